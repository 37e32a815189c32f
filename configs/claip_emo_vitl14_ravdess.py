# The paper's model with CLIP ViT-L/14 on RAVDESS's speech, 8 classes. Fold 1: --cfg-options fold=2 for another.
_base_ = [
    '_base_/models/claip_emo_vitl14.py', '_base_/datasets/ravdess.py', '_base_/schedules/paper.py',
    '_base_/runtime_paper.py'
]
model = dict(cls_head=dict(num_classes=8), data_preprocessor=dict(blending=dict(num_classes=8)))
optim_wrapper = dict(accumulative_counts=1)  # 16 clips a step on 2 GPUs x 8, as for MAFW; not tuned
