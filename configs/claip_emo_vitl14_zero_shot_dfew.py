# CLIP ViT-L/14 zero-shot on DFEW, without a checkpoint: python tools/test.py configs/claip_emo_vitl14_zero_shot_dfew.py
_base_ = ['_base_/models/clip_zero_shot_vitl14.py', '_base_/datasets/dfew.py', '_base_/runtime.py']

test_pipeline = [*_base_.test_views, *_base_.test_visual, {{_base_.pack}}]
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_cfg = dict(type='TestLoop')
train_dataloader, val_dataloader, val_evaluator = None, None, None
