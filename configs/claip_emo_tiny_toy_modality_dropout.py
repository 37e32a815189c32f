# Modality dropout in training, for tests with a missing modality.
_base_ = 'claip_emo_tiny_toy.py'

model = dict(modality_dropout=dict(visual=.2, audio=.2))
