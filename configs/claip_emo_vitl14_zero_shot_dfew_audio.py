# CLIP ViT-L/14 and LAION CLAP zero-shot on DFEW: both logits are added. CLAP knows next to nothing of emotions.
_base_ = 'claip_emo_vitl14_zero_shot_dfew.py'

clap = 'weights/630k-audioset-fusion-best.pt'  # LAION's file, to be downloaded once
model = dict(
    audio_backbone=dict(type='CLAPAudioBackbone', arch='HTSAT-tiny-fusion', pretrained=clap),
    audio_neck=dict(type='AudioMeanPool'),
    cls_head=dict(audio_channels=768, audio_pretrained=clap, audio_tokenizer='weights/roberta-base'))

log_mel = dict(type='LogMel', sample_rate_hz=48000, num_frames=1024, front_end='clap')  # CLAP's own
test_pipeline = [*_base_.test_views, *_base_.test_visual, {{_base_.load_audio}}, log_mel, {{_base_.pack}}]
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
