# Faces by sentences on brows, eyes and mouths, nothing trained (at best 4/7 = 57.1 %): tools/test.py CONFIG.
_base_ = [
    '_base_/models/claip_emo_tiny.py', '_base_/models/claip_emo_tiny_prompts.py', '_base_/datasets/toy.py',
    '_base_/runtime.py'
]

model = dict(
    visual_backbone=dict(lora=None),
    visual_neck=None,
    audio_backbone=None,
    audio_neck=None,
    cls_head=dict(
        _delete_=True, type='LanguageHead', num_classes=7, visual_channels=128, classes='dfew',
        arch={{_base_.text_arch}}, pretrained='toy', prompts={{_base_.faces}}))

test_pipeline = [*_base_.test_views, *_base_.visual, {{_base_.pack}}]
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_cfg = dict(type='TestLoop')
train_dataloader, val_dataloader, val_evaluator = None, None, None
