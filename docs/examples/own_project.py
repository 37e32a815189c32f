# A project of one file, with claip_emo_mm installed: mim train claip_emo_mm own_project.py
default_scope = 'mmaction'
custom_imports = dict(imports=['claip_emo_mm'])
data_root = 'data/toy'  # mim run claip_emo_mm prepare_data toy

model = dict(
    type='AudioVisualRecognizer',
    data_preprocessor=dict(type='AudioVisualDataPreprocessor', mean=None, std=None),
    visual_backbone=dict(
        type='CLIPVisualBackbone',
        arch=dict(image_size=64, patch_size=8, width=128, layers=4, head_width=32),
        pretrained='toy',
        lora=dict(targets=['q_proj', 'k_proj', 'v_proj', 'out_proj', 'c_fc', 'c_proj'], rank=4, alpha=16)),
    visual_neck=dict(type='TemporalTransformer', embed_dims=128, num_frames=8, num_heads=4, head_dims=32, mlp_dims=128),
    cls_head=dict(type='ConcatFusionHead', num_classes=7, visual_channels=128))  # visual only

pipeline = [
    dict(type='OpenAudioVisualClip'),
    dict(type='SampleFrameViews', clip_len=8, frame_interval=4),
    dict(type='DecodeFrames'),
    dict(type='ResizeFrames', size=64),
    dict(type='PackAudioVisualInputs'),
]
train_dataloader = dict(
    batch_size=16,
    num_workers=1,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='AudioVisualDataset', ann_file='train.csv', data_root=data_root, pipeline=pipeline))
val_dataloader = dict(
    batch_size=14,
    num_workers=1,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='AudioVisualDataset', ann_file='val.csv', data_root=data_root, pipeline=pipeline, test_mode=True))
val_evaluator = dict(type='EmotionMetric')

train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=2)
val_cfg = dict(type='ValLoop')
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=2e-3, weight_decay=0.05))
