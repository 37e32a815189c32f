# CLAIP-Emo with encoders of about 0.8 M parameters each, pretrained on synthetic faces and voices (pretrain_toy.py).
model = dict(
    type='AudioVisualRecognizer',
    data_preprocessor=dict(type='AudioVisualDataPreprocessor', mean=None, std=None),  # as in the pretraining
    visual_backbone=dict(
        type='CLIPVisualBackbone',
        arch=dict(image_size=64, patch_size=8, width=128, layers=4, head_width=32),
        pretrained='toy',
        lora=dict(targets=['q_proj', 'k_proj', 'v_proj', 'out_proj', 'c_fc', 'c_proj'], rank=4, alpha=16)),
    audio_backbone=dict(
        type='CLAPAudioBackbone',
        arch=dict(embed_dims=32, depths=[2, 2, 2], num_heads=[2, 4, 8], mel_bins=64, spec_size=128, num_classes=1),
        pretrained='toy',
        spec_augment=dict(time_drop_width=16, time_stripes_num=2, freq_drop_width=4, freq_stripes_num=2),
        lora=dict(targets=['proj', 'fc1', 'fc2'], rank=4, alpha=16)),
    visual_neck=dict(type='TemporalTransformer', embed_dims=128, num_frames=8, num_heads=4, head_dims=32, mlp_dims=128),
    audio_neck=dict(type='AudioMeanPool'),
    cls_head=dict(type='ConcatFusionHead', num_classes=7, visual_channels=128, audio_channels=128))
