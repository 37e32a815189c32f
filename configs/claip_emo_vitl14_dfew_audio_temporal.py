# Ablation: a temporal Transformer for the audio, too; 32 time steps are HTSAT's for 1024 mel frames.
_base_ = 'claip_emo_vitl14_dfew.py'

model = dict(audio_neck=dict(type='AudioTemporalTransformer', embed_dims=768, num_steps=32))
