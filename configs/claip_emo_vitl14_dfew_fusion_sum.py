# Ablation: sum of the projected features instead of concatenation.
_base_ = 'claip_emo_vitl14_dfew.py'

model = dict(cls_head=dict(type='SumFusionHead', embed_dims=512))
