# Cross-attention between frames and time steps of the audio, whose whole latent maps are kept.
_base_ = 'claip_emo_tiny_toy_temporal.py'

model = dict(
    visual_neck=dict(type='FrameTokens'),
    audio_neck=dict(type='AudioTokens', embed_dims=128, num_steps=16),
    cls_head=dict(type='CrossAttentionFusionHead', embed_dims=64, num_heads=4))
