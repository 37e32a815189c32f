# The paper's model with CLIP ViT-B/32 on MAFW's 43 compound emotions.
_base_ = 'claip_emo_vitb32_mafw.py'

model = dict(cls_head=dict(num_classes=43), data_preprocessor=dict(blending=dict(num_classes=43)))
train_dataloader = dict(dataset=dict(classes='compound'))
val_dataloader = dict(dataset=dict(classes='compound'))
test_dataloader = dict(dataset=dict(classes='compound'))
