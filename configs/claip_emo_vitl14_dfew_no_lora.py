# Ablation: encoders without adapters; the temporal Transformer and the head are trained.
_base_ = 'claip_emo_vitl14_dfew.py'

model = dict(visual_backbone=dict(lora=None), audio_backbone=dict(lora=None))
