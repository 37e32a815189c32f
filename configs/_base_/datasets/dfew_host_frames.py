# DFEW's frames through our transforms, in the form that MMAction2's Recognizer2D reads.
_base_ = ['./dfew.py']

mmaction_inputs = [
    dict(type='GatherViews'),
    dict(type='FormatShape', input_format='NCHW'),
    dict(type='PackActionInputs', meta_keys=('filename', 'frame_dir', 'sample_idx', 'img_shape')),
]
train_pipeline = [
    {{_base_.open_clip}},
    dict(type='SampleFrameViews', clip_len=16, frame_interval=4),
    {{_base_.decode_frames}},
    {{_base_.resize_frames}},
    *_base_.augment_frames,
    *mmaction_inputs,
]
val_pipeline = [
    {{_base_.open_clip}},
    dict(type='SampleFrameViews', clip_len=16, frame_interval=4, num_clips=1, test_mode=True),
    {{_base_.decode_frames}},
    {{_base_.resize_exactly}},
    *mmaction_inputs,
]
test_pipeline = [
    {{_base_.open_clip}},
    dict(type='SampleFrameViews', clip_len=16, frame_interval=4, num_clips=2, test_mode=True),
    {{_base_.decode_frames}},
    {{_base_.resize_exactly}},
    *mmaction_inputs,
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
