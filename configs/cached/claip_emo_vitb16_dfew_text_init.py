# The linear layer starts as CLIP's zero-shot classifier, on the mean over the frames.
_base_ = 'claip_emo_vitb16_dfew_linear_probe.py'

model = dict(
    data_preprocessor=dict(  # CLIP's own mean and std, as its projection expects
        mean=(122.7709383, 116.7460125, 104.09373615), std=(68.5005327, 66.6321579, 70.32316305)),
    cls_head=dict(type='TextInitFusionHead', classes='dfew', arch='ViT-B-16-quickgelu', pretrained='openai'))
