# CLIP ViT-L/14 as OpenAI published it: both encoders, nothing to train.
model = dict(
    type='AudioVisualRecognizer',
    data_preprocessor=dict(  # CLIP's own mean and std
        type='AudioVisualDataPreprocessor',
        mean=(122.7709383, 116.7460125, 104.09373615), std=(68.5005327, 66.6321579, 70.32316305)),
    visual_backbone=dict(type='CLIPVisualBackbone', arch='ViT-L-14-quickgelu', pretrained='openai'),
    cls_head=dict(
        type='LanguageHead', num_classes=7, visual_channels=1024, classes='dfew', arch='ViT-L-14-quickgelu',
        pretrained='openai'))
