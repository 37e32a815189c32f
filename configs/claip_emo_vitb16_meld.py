# The paper's model with CLIP ViT-B/16 on MELD, 7 classes. The customary metric is F1_weighted.
_base_ = [
    '_base_/models/claip_emo_vitb16.py', '_base_/datasets/meld.py', '_base_/schedules/paper.py',
    '_base_/runtime_paper.py'
]
optim_wrapper = dict(accumulative_counts=1)  # 16 clips a step on 2 GPUs x 8, as for MAFW; not tuned
