# Clips lose a modality now and then in training, so that the model also knows what one of them says alone.
_base_ = 'claip_emo_tiny_toy.py'

model = dict(modality_dropout=dict(visual=.2, audio=.2))
