# As tsn_clip-vitb16_lora_dfew.py with MMAction2's TSMHead, which classifies each frame and averages the 16 of a view.
_base_ = './tsn_clip-vitb16_lora_dfew.py'

model = dict(cls_head=dict(type='TSMHead', num_segments=16, is_shift=False, dropout_ratio=0.5))
