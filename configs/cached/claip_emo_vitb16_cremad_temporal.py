# Frozen ViT-B/16 and HTSAT on CREMA-D: temporal Transformer and head are trained.
_base_ = [
    '../_base_/models/claip_emo_vitb16.py', '../_base_/datasets/cremad.py', '../_base_/schedules/cached.py',
    '../_base_/runtime_paper.py'
]
model = dict(
    data_preprocessor=dict(blending=None), visual_backbone=dict(lora=None), audio_backbone=dict(lora=None),
    cls_head=dict(num_classes=6))
train_dataloader = dict(batch_size=64, num_workers=0, persistent_workers=False)
val_dataloader = dict(batch_size=64, num_workers=0, persistent_workers=False)
test_dataloader = dict(batch_size=64, num_workers=0)
