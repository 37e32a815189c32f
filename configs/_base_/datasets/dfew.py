# DFEW, 7 classes: python tools/prepare_data.py dfew DOWNLOAD --out data/dfew. The numbers are the reference recipe's.
data_root = 'data/dfew'
fold = 1  # 1 to 5: --cfg-options fold=2 changes it in every loader

open_clip = dict(type='OpenAudioVisualClip')
train_views = [open_clip, dict(type='SampleFrameViews', clip_len=16, frame_interval=4)]
# Always the middle window; the reference samples a new one in each validation.
val_views = [open_clip, dict(type='SampleFrameViews', clip_len=16, frame_interval=4, num_clips=1, test_mode=True)]
# The reference's 2 windows x 2 crops; both crops of square frames have the same pixels.
test_views = [open_clip, dict(type='SampleFrameViews', clip_len=16, frame_interval=4, num_clips=2, test_mode=True)]
train_visual = [
    dict(type='DecodeFrames'),
    dict(type='ResizeFrames', size=224),  # bilinear, without keeping the aspect ratio
    dict(type='RandAugmentFrames', spec='rand-m7-n4-mstd0.5-inc1'),
    dict(type='RandomResizedCropFrames', size=224, scale=(0.08, 1), ratio=(0.75, 1.333)),
    dict(type='RandomFlipFrames'),
    dict(type='RandomEraseFrames', prob=0.25),
]
test_visual = [
    dict(type='DecodeFrames'),
    dict(type='ResizeFrames', size=224, exact=True),  # the pixels of Pillow, as in the reference's test
]
load_audio = dict(type='LoadAudioWindows', sample_rate_hz=48000, window_s=10, resampler='sinc')
log_mel = dict(type='LogMel', sample_rate_hz=48000, num_mel_bins=64, window_ms=21, shift_ms=10, num_frames=1024)
train_audio = [load_audio, dict(type='RandomRollGain'), log_mel]  # gain only, as in the reference
test_audio = [load_audio, log_mel]
pack = dict(type='PackAudioVisualInputs')

train_pipeline = train_views + train_visual + train_audio + [pack]
val_pipeline = val_views + test_visual + test_audio + [pack]
test_pipeline = test_views + test_visual + test_audio + [pack]

train_dataloader = dict(
    batch_size=8,
    num_workers=8,
    persistent_workers=True,
    drop_last=True,  # 584 batches per epoch on 2 GPUs, 457 for MAFW
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='DFEWDataset', fold=fold, split='train', data_root=data_root, pipeline=train_pipeline))
val_dataloader = dict(  # the test split, as in the reference: selecting an epoch by it is selecting on the test split
    batch_size=8,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='DFEWDataset', fold=fold, split='test', data_root=data_root, pipeline=val_pipeline, test_mode=True))
test_dataloader = dict(
    batch_size=8,
    num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='DFEWDataset', fold=fold, split='test', data_root=data_root, pipeline=test_pipeline, test_mode=True))

val_evaluator = dict(type='EmotionMetric')
test_evaluator = dict(type='EmotionMetric', n_bootstrap=2000)  # resamples for 95 % bootstrap intervals
