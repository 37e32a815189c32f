# Faces and voices by sentences, nothing trained: the logits of both are added.
_base_ = 'claip_emo_tiny_toy_zero_shot.py'

model = dict(
    audio_backbone=dict(
        _delete_=True,
        type='CLAPAudioBackbone',
        arch=dict(embed_dims=32, depths=[2, 2, 2], num_heads=[2, 4, 8], mel_bins=64, spec_size=128, num_classes=1),
        pretrained='toy'),
    audio_neck=dict(_delete_=True, type='AudioMeanPool'),
    cls_head=dict(
        audio_channels=128, audio_arch={{_base_.text_arch}}, audio_pretrained='toy', audio_prompts={{_base_.voices}}))

test_pipeline = [*_base_.test_views, *_base_.visual, *_base_.test_audio, {{_base_.pack}}]
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
