# Sum of the projected features.
_base_ = 'claip_emo_tiny_toy_temporal.py'

model = dict(cls_head=dict(type='SumFusionHead', embed_dims=64))
