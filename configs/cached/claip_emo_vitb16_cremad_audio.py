# Audio only.
_base_ = 'claip_emo_vitb16_cremad_temporal.py'

model = dict(visual_backbone=None, visual_neck=None, cls_head=dict(visual_channels=0))

train_pipeline = [*_base_.train_views, *_base_.train_audio, {{_base_.pack}}]
val_pipeline = [*_base_.val_views, *_base_.test_audio, {{_base_.pack}}]
test_pipeline = [*_base_.test_views, *_base_.test_audio, {{_base_.pack}}]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
