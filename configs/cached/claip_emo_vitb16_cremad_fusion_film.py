# FiLM, audio scales and shifts the visual features (arXiv 1709.07871).
_base_ = 'claip_emo_vitb16_cremad_temporal.py'

model = dict(cls_head=dict(type='FiLMFusionHead', condition='audio'))
