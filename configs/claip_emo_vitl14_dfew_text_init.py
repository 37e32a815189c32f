# The linear layer starts as CLIP's zero-shot classifier (TextInitFusionHead), on the mean over the frames.
_base_ = 'claip_emo_vitl14_dfew.py'

model = dict(
    data_preprocessor=dict(  # CLIP's own mean and std, as its projection expects
        mean=(122.7709383, 116.7460125, 104.09373615), std=(68.5005327, 66.6321579, 70.32316305)),
    visual_neck=None,
    cls_head=dict(
        type='TextInitFusionHead', num_classes=7, visual_channels=1024, audio_channels=768, classes='dfew',
        arch='ViT-L-14-quickgelu', pretrained='openai'))
