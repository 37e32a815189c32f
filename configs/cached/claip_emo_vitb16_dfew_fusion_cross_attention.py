# Cross-attention between frames and time steps of the audio, whose whole latent maps are kept.
_base_ = 'claip_emo_vitb16_dfew_temporal.py'

model = dict(
    visual_neck=dict(type='FrameTokens'),
    audio_neck=dict(type='AudioTokens', embed_dims=768, num_steps=32),
    cls_head=dict(type='CrossAttentionFusionHead', embed_dims=512, num_heads=8))
