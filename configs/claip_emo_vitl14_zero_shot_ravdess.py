# CLIP ViT-L/14 zero-shot on RAVDESS's speech, 8 classes, without a checkpoint.
_base_ = ['_base_/models/clip_zero_shot_vitl14.py', '_base_/datasets/ravdess.py', '_base_/runtime.py']

model = dict(cls_head=dict(num_classes=8, classes='ravdess'))

test_pipeline = [*_base_.test_views, *_base_.test_visual, {{_base_.pack}}]
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_cfg = dict(type='TestLoop')
train_dataloader, val_dataloader, val_evaluator = None, None, None
