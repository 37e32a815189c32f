# Random encoders: the difference to claip_emo_tiny_toy.py is the effect of pretraining.
_base_ = 'claip_emo_tiny_toy.py'

model = dict(visual_backbone=dict(pretrained=None), audio_backbone=dict(pretrained=None))
