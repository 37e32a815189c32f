# TimeSformer ViT-B of MMAction2, pretrained on ImageNet, with position embeddings for the 16 frames of a view.
_base_ = '../claip_emo_vitb16_dfew.py'

model = dict(
    visual_backbone=dict(
        _delete_=True,
        type='VideoBackboneWrapper',
        backbone=dict(
            type='TimeSformer',
            pretrained='https://download.openmmlab.com/mmaction/recognition/timesformer/vit_base_patch16_224.pth',
            num_frames=16,
            img_size=224,
            patch_size=16,
            embed_dims=768,
            attention_type='divided_space_time',
            norm_cfg=dict(type='LN', eps=1e-6))),
    visual_neck=None)
