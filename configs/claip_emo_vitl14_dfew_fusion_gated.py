# Ablation: a gate decides for each clip how much the face and how much the voice counts (arXiv 1702.01992).
_base_ = 'claip_emo_vitl14_dfew.py'

model = dict(cls_head=dict(type='GatedFusionHead', embed_dims=512))
