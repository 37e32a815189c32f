# CLAP's audio encoder with LoRA adapters in MMAction2's RecognizerAudio, on its AudioDataset: lists of
# 'AUDIO FRAMES LABEL', with audio files (wav, flac, ogg, mp3) and the number of frames of their videos.
_base_ = ['../_base_/schedules/paper.py', '../_base_/runtime_paper.py']
data_root = 'data/own'
classes = ('happy', 'sad', 'neutral', 'angry', 'surprise', 'disgust', 'fear')

model = dict(
    type='RecognizerAudio',
    backbone=dict(
        type='CLAPAudioBackbone',
        arch='HTSAT-tiny-fusion',
        pretrained='weights/630k-audioset-fusion-best.pt',
        lora=dict(targets=['proj', 'fc1', 'fc2'], rank=8, alpha=32, dropout=0.1)),
    cls_head=dict(type='TSNAudioHead', num_classes=7, in_channels=768, topk=1, average_clips='prob'),
    data_preprocessor=dict(type='ActionDataPreprocessor'))

load_audio = dict(type='LoadAudioWindows', sample_rate_hz=48000, window_s=10)
log_mel = dict(type='LogMel', sample_rate_hz=48000, num_mel_bins=64, window_ms=21, shift_ms=10, num_frames=1024)
mmaction_inputs = [
    dict(type='GatherViews'),
    dict(type='FormatAudioShape', input_format='NCTF'),
    dict(type='PackActionInputs', meta_keys=('audio_path', 'sample_idx')),
]
train_pipeline = [
    dict(type='OpenAudioVisualClip'),
    dict(type='SampleFrameViews', clip_len=16, frame_interval=4),
    load_audio,
    dict(type='RandomRollGain'),
    log_mel,
    *mmaction_inputs,
]
test_pipeline = [
    dict(type='OpenAudioVisualClip'),
    dict(type='SampleFrameViews', clip_len=16, frame_interval=4, num_clips=2, test_mode=True),
    load_audio,
    log_mel,
    *mmaction_inputs,
]

train_dataset = dict(
    type='AudioDataset',
    ann_file=f'{data_root}/train.txt',
    data_prefix=dict(audio=data_root),
    metainfo=dict(classes=classes),
    pipeline=train_pipeline)
train_dataloader = dict(
    batch_size=8,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=train_dataset)
val_dataloader = dict(
    batch_size=8,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(train_dataset, ann_file=f'{data_root}/val.txt', test_mode=True, pipeline=test_pipeline))
test_dataloader = dict(
    batch_size=8,
    num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(train_dataset, ann_file=f'{data_root}/test.txt', test_mode=True, pipeline=test_pipeline))

val_evaluator = dict(type='EmotionMetric')
test_evaluator = val_evaluator
