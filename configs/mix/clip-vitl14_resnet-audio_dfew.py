# MMAction2's ResNetAudio instead of CLAP. It has no pretrained weights, so it is trained from scratch at a higher rate.
_base_ = '../claip_emo_vitl14_dfew.py'

model = dict(
    audio_backbone=dict(
        _delete_=True,
        type='AudioBackboneWrapper',
        backbone=dict(type='ResNetAudio', depth=50)),
    cls_head=dict(audio_channels=1024))
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={'audio_backbone': dict(lr_mult=10)}))
