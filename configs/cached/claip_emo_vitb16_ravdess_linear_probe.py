# Only the head is trained, on the mean over the frames and the mean of the audio.
_base_ = 'claip_emo_vitb16_ravdess_temporal.py'

model = dict(visual_neck=None)
