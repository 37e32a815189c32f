# Synthetic talking faces: python tools/prepare_data.py toy
data_root = 'data/toy'

open_clip = dict(type='OpenAudioVisualClip')
train_views = [open_clip, dict(type='SampleFrameViews', clip_len=8, frame_interval=4)]
test_views = [open_clip, dict(type='SampleFrameViews', clip_len=8, frame_interval=4, num_clips=2, test_mode=True)]
visual = [dict(type='DecodeFrames'), dict(type='ResizeFrames', size=64)]
load_audio = dict(type='LoadAudioWindows', sample_rate_hz=16000, window_s=3.072)
log_mel = dict(type='LogMel', sample_rate_hz=16000, window_ms=25, shift_ms=12, num_frames=256)
train_audio = [load_audio, dict(type='RandomRollGain', roll=True), log_mel]
test_audio = [load_audio, log_mel]
pack = dict(type='PackAudioVisualInputs')

train_pipeline = train_views + visual + train_audio + [pack]
test_pipeline = test_views + visual + test_audio + [pack]

train_dataloader = dict(
    batch_size=16,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='AudioVisualDataset', ann_file='train.csv', data_root=data_root, pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=14,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='AudioVisualDataset', ann_file='val.csv', data_root=data_root, pipeline=test_pipeline, test_mode=True))
test_dataloader = dict(
    batch_size=14,
    num_workers=1,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='AudioVisualDataset', ann_file='test.csv', data_root=data_root, pipeline=test_pipeline, test_mode=True))

val_evaluator = dict(type='EmotionMetric')
test_evaluator = dict(type='EmotionMetric', n_bootstrap=2000)  # resamples for 95 % bootstrap intervals
