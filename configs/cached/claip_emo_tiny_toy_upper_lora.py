# Adapters in the upper half of the visual encoder, which reads cached tokens behind its lower half.
_base_ = 'claip_emo_tiny_toy_temporal.py'

feature_cache = dict(visual_block=1)
model = dict(
    visual_backbone=dict(
        lora=dict(
            _delete_=True, targets=['q_proj', 'k_proj', 'v_proj', 'out_proj', 'c_fc', 'c_proj'], rank=4, alpha=16,
            blocks=[2, 3])))
