# Ablation: cross-attention between the 16 frames and the 32 time steps of the audio, then the mean of each.
_base_ = 'claip_emo_vitl14_dfew.py'

model = dict(
    visual_neck=dict(type='FrameTokens'),  # the temporal Transformer without class token
    audio_neck=dict(type='AudioTokens', embed_dims=768, num_steps=32),
    cls_head=dict(type='CrossAttentionFusionHead', embed_dims=512, num_heads=8))
