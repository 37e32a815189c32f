# CLIP ViT-B/16 with LoRA adapters as the backbone of MMAction2's TSN; DFEW, visual only.
_base_ = [
    '../_base_/datasets/dfew_host_frames.py', '../_base_/schedules/paper.py', '../_base_/runtime_paper.py'
]

model = dict(
    type='Recognizer2D',
    backbone=dict(
        type='CLIPVisualBackbone',
        arch='ViT-B-16-quickgelu',
        pretrained='openai',
        lora=dict(targets=['q_proj', 'k_proj', 'v_proj', 'out_proj', 'c_fc', 'c_proj'], rank=8, alpha=32, dropout=0.1)),
    cls_head=dict(
        type='TSNHead',
        num_classes=7,
        in_channels=768,
        spatial_type=None,  # the encoder returns one vector per frame, so there is nothing to pool
        dropout_ratio=0.4,
        topk=1,
        average_clips='prob'),
    data_preprocessor=dict(
        type='ActionDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        format_shape='NCHW'))
