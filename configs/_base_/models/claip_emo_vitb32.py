# The paper's model (arXiv 2509.14527) with CLIP ViT-B/32: 122.6 M parameters, of which 4.9 M are trainable.
model = dict(
    type='AudioVisualRecognizer',
    data_preprocessor=dict(  # ImageNet's mean and std, also for CLIP
        type='AudioVisualDataPreprocessor',
        blending=dict(num_classes=7)),  # mixup 0.8, cutmix 1.0, label smoothing 0.1; training only
    visual_backbone=dict(
        type='CLIPVisualBackbone',
        arch='ViT-B-32-quickgelu',
        pretrained='openai',
        lora=dict(targets=['q_proj', 'k_proj', 'v_proj', 'out_proj', 'c_fc', 'c_proj'], rank=8, alpha=32, dropout=0.1)),
    audio_backbone=dict(
        type='CLAPAudioBackbone',
        arch='HTSAT-tiny-fusion',
        pretrained='weights/630k-audioset-fusion-best.pt',  # LAION's file, to be downloaded once
        lora=dict(targets=['proj', 'fc1', 'fc2'], rank=8, alpha=32, dropout=0.1)),  # not on qkv
    visual_neck=dict(type='TemporalTransformer', embed_dims=768, num_frames=16),
    audio_neck=dict(type='AudioMeanPool'),
    cls_head=dict(type='ConcatFusionHead', num_classes=7, visual_channels=768, audio_channels=768))
