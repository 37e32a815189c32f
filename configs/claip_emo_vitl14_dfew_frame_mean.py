# Ablation: the mean over the frames instead of the temporal Transformer.
_base_ = 'claip_emo_vitl14_dfew.py'

model = dict(visual_neck=None)
