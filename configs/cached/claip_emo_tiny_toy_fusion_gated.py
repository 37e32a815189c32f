# A gate weights the visual and audio features of each clip (arXiv 1702.01992).
_base_ = 'claip_emo_tiny_toy_temporal.py'

model = dict(cls_head=dict(type='GatedFusionHead', embed_dims=64))
