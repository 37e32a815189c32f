# The paper's model with CLIP ViT-B/32 on DFEW; fold 1: --cfg-options fold=2 for another.
_base_ = [
    '_base_/models/claip_emo_vitb32.py', '_base_/datasets/dfew.py', '_base_/schedules/paper.py',
    '_base_/runtime_paper.py'
]
