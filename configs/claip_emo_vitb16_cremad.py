# The paper's model with CLIP ViT-B/16 on CREMA-D, 6 classes. Fold 1: --cfg-options fold=2 for another.
_base_ = [
    '_base_/models/claip_emo_vitb16.py', '_base_/datasets/cremad.py', '_base_/schedules/paper.py',
    '_base_/runtime_paper.py'
]
model = dict(cls_head=dict(num_classes=6), data_preprocessor=dict(blending=dict(num_classes=6)))
optim_wrapper = dict(accumulative_counts=1)  # 16 clips a step on 2 GPUs x 8, as for MAFW; not tuned
