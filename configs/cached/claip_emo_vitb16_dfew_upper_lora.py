# Adapters in the upper 3 of 12 blocks of the visual encoder, which reads cached tokens: 0.3 MB a frame.
_base_ = 'claip_emo_vitb16_dfew_temporal.py'

feature_cache = dict(visual_block=8, dtype='float16')
model = dict(
    visual_backbone=dict(
        lora=dict(
            _delete_=True, targets=['q_proj', 'k_proj', 'v_proj', 'out_proj', 'c_fc', 'c_proj'], rank=8, alpha=32,
            blocks=[9, 10, 11])))
train_dataloader = dict(batch_size=8)
