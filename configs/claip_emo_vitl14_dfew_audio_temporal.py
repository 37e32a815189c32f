# Ablation: a temporal Transformer for the audio as well; HTSAT has 32 time steps for 1024 mel frames.
_base_ = 'claip_emo_vitl14_dfew.py'

model = dict(audio_neck=dict(type='AudioTemporalTransformer', embed_dims=768, num_steps=32))
