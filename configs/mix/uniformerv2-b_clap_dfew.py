# UniFormerV2-B of MMAction2: CLIP's ViT-B/16 with temporal blocks, pretrained on Kinetics-710.
_base_ = '../claip_emo_vitb16_dfew.py'

weights = ('https://download.openmmlab.com/mmaction/v1.0/recognition/uniformerv2/kinetics710/'
           'uniformerv2-base-p16-res224_clip-pre_u8_kinetics710-rgb_20221219-77d34f81.pth')
model = dict(
    data_preprocessor=dict(mean=[114.75, 114.75, 114.75], std=[57.375, 57.375, 57.375]),  # as in its pretraining
    visual_backbone=dict(
        _delete_=True,
        type='VideoBackboneWrapper',
        backbone=dict(
            type='UniFormerV2',
            input_resolution=224,
            patch_size=16,
            width=768,
            layers=12,
            heads=12,
            t_size=16,  # pretrained with 8; no weight depends on it
            temporal_downsample=False,
            no_lmhra=True,
            double_lmhra=True,
            return_list=[8, 9, 10, 11],
            n_layers=4,
            n_dim=768,
            n_head=12,
            clip_pretrained=False,
            init_cfg=dict(type='Pretrained', checkpoint=weights, prefix='backbone.')),
        lora=dict(targets=['c_fc', 'c_proj'], rank=8, alpha=32, dropout=0.1),  # not in its attention
        frozen=True),
    visual_neck=None)
