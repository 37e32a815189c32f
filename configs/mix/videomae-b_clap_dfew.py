# VideoMAE ViT-B of MMAction2, pretrained on Kinetics-400, reads the 16 frames of a view together.
_base_ = '../claip_emo_vitb16_dfew.py'

weights = ('https://download.openmmlab.com/mmaction/v1.0/recognition/videomae/'
           'vit-base-p16_videomae-k400-pre_16x4x1_kinetics-400_20221013-860a3cd3.pth')
model = dict(
    visual_backbone=dict(
        _delete_=True,
        type='VideoBackboneWrapper',
        backbone=dict(
            type='VisionTransformer',
            img_size=224,
            patch_size=16,
            embed_dims=768,
            depth=12,
            num_heads=12,
            mlp_ratio=4,
            num_frames=16,
            norm_cfg=dict(type='LN', eps=1e-6),
            init_cfg=dict(type='Pretrained', checkpoint=weights, prefix='backbone.')),
        lora=dict(  # splits the fused qkv into one layer per projection
            targets=['q_proj', 'k_proj', 'v_proj', 'proj', 'layers.0.0', 'layers.1'], rank=8, alpha=32, dropout=0.1),
        frozen=True),
    visual_neck=None)  # one vector per view
