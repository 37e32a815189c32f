# The paper's model with CLIP ViT-B/16: 121.0 M parameters, of which 4.9 M are trainable.
_base_ = ['./claip_emo_vitb32.py']
model = dict(visual_backbone=dict(arch='ViT-B-16-quickgelu'))
