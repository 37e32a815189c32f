# Ablation: the face alone.
_base_ = 'claip_emo_vitl14_dfew.py'

model = dict(audio_backbone=None, audio_neck=None, cls_head=dict(audio_channels=0))

train_pipeline = [
    {{_base_.open_clip}},
    dict(type='SampleFrameViews', clip_len=16, frame_interval=4),
    {{_base_.decode_frames}},
    {{_base_.resize_frames}},
    *_base_.augment_frames,
    {{_base_.pack}},
]
val_pipeline = [
    {{_base_.open_clip}},
    dict(type='SampleFrameViews', clip_len=16, frame_interval=4, num_clips=1, test_mode=True),
    {{_base_.decode_frames}},
    {{_base_.resize_exactly}},
    {{_base_.pack}},
]
test_pipeline = [
    {{_base_.open_clip}},
    dict(type='SampleFrameViews', clip_len=16, frame_interval=4, num_clips=2, test_mode=True),
    {{_base_.decode_frames}},
    {{_base_.resize_exactly}},
    {{_base_.pack}},
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
