# The paper's best model, with CLIP ViT-L/14: 341.6 M parameters, of which 8.2 M are trainable.
_base_ = ['./claip_emo_vitb32.py']
model = dict(
    visual_backbone=dict(arch='ViT-L-14-quickgelu'),
    visual_neck=dict(embed_dims=1024),
    cls_head=dict(visual_channels=1024))
