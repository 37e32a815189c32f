# Ablation: the features are added, in a common space, in place of concatenated.
_base_ = 'claip_emo_vitl14_dfew.py'

model = dict(cls_head=dict(type='SumFusionHead', embed_dims=512))
