# The paper's model with CLIP ViT-B/32 on MAFW's 11 single emotions.
_base_ = [
    '_base_/models/claip_emo_vitb32.py', '_base_/datasets/mafw.py', '_base_/schedules/paper.py',
    '_base_/runtime_paper.py'
]
model = dict(cls_head=dict(num_classes=11), data_preprocessor=dict(blending=dict(num_classes=11)))
optim_wrapper = dict(accumulative_counts=1)  # reference recipe: 16 clips a step, on 2 GPUs x 8
