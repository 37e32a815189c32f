# Video Swin-T of MMAction2, pretrained on Kinetics-400; MAFW, 11 classes.
_base_ = '../claip_emo_vitb16_mafw.py'

weights = ('https://download.openmmlab.com/mmaction/v1.0/recognition/swin/'
           'swin-tiny-p244-w877_in1k-pre_8xb8-amp-32x2x1-30e_kinetics400-rgb/'
           'swin-tiny-p244-w877_in1k-pre_8xb8-amp-32x2x1-30e_kinetics400-rgb_20220930-241016b2.pth')
model = dict(
    visual_backbone=dict(
        _delete_=True,
        type='VideoBackboneWrapper',
        backbone=dict(
            type='SwinTransformer3D',
            arch='tiny',
            pretrained2d=False,
            patch_size=(2, 4, 4),
            window_size=(8, 7, 7),
            drop_path_rate=0.1,
            patch_norm=True,
            init_cfg=dict(type='Pretrained', checkpoint=weights, prefix='backbone.')),
        lora=dict(targets=['qkv', 'attn.proj', 'fc1', 'fc2'], rank=8, alpha=32, dropout=0.1),
        frozen=True),
    visual_neck=None)  # the mean over its 8 time steps
