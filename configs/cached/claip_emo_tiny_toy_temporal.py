# The temporal Transformer and the head are trained, on cached features of the frozen encoders.
_base_ = [
    '../_base_/models/claip_emo_tiny.py', '../_base_/datasets/toy.py', '../_base_/schedules/cached.py',
    '../_base_/runtime.py'
]
model = dict(visual_backbone=dict(lora=None), audio_backbone=dict(lora=None))
train_dataloader = dict(num_workers=0, persistent_workers=False)  # reading a clip takes less than passing it on
val_dataloader = dict(num_workers=0, persistent_workers=False)
test_dataloader = dict(num_workers=0)
