# Sum of the projected features.
_base_ = 'claip_emo_vitb16_dfew_temporal.py'

model = dict(cls_head=dict(type='SumFusionHead', embed_dims=512))
