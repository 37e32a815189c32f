# The paper's model with CLIP ViT-L/14 on MAFW's 11 single emotions.
_base_ = [
    '_base_/models/claip_emo_vitl14.py', '_base_/datasets/mafw.py', '_base_/schedules/paper.py', '_base_/runtime.py'
]
model = dict(cls_head=dict(num_classes=11))
# 16 clips a step (reference recipe): 2 GPUs x 8
optim_wrapper = dict(accumulative_counts=1, optimizer=dict(lr=2e-5))
