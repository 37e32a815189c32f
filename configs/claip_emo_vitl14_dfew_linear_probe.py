# Ablation: only the head is trained, on the mean over the frames and the mean of the audio.
_base_ = 'claip_emo_vitl14_dfew_no_lora.py'

model = dict(visual_neck=None)
