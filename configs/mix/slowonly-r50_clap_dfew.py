# SlowOnly ResNet-50 of MMAction2, pretrained on Kinetics-400 and fully trained, with TemporalTransformer on its time
# steps.
_base_ = '../claip_emo_vitb16_dfew.py'

weights = ('https://download.openmmlab.com/mmaction/v1.0/recognition/slowonly/'
           'slowonly_imagenet-pretrained-r50_8xb16-8x8x1-steplr-150e_kinetics400-rgb/'
           'slowonly_imagenet-pretrained-r50_8xb16-8x8x1-steplr-150e_kinetics400-rgb_20220901-df42dc84.pth')
model = dict(
    visual_backbone=dict(
        _delete_=True,
        type='VideoBackboneWrapper',
        backbone=dict(
            type='ResNet3dSlowOnly',
            depth=50,
            lateral=False,
            conv1_kernel=(1, 7, 7),
            conv1_stride_t=1,
            pool1_stride_t=1,
            inflate=(0, 0, 1, 1),
            init_cfg=dict(type='Pretrained', checkpoint=weights, prefix='backbone.'))),
    visual_neck=dict(embed_dims=2048),
    cls_head=dict(visual_channels=2048))
