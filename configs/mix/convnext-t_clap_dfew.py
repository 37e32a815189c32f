# ConvNeXt-T of MMPretrain on single frames, like CLIP; LoRA adapters in its pointwise layers.
_base_ = '../claip_emo_vitb16_dfew.py'

weights = ('https://download.openmmlab.com/mmclassification/v0/convnext/'
           'convnext-tiny_32xb128_in1k_20221207-998cf3e9.pth')
model = dict(
    visual_backbone=dict(
        _delete_=True,
        type='ImageBackboneWrapper',
        backbone=dict(
            type='mmpretrain.ConvNeXt',
            arch='tiny',
            init_cfg=dict(type='Pretrained', checkpoint=weights, prefix='backbone.')),
        lora=dict(targets=['pointwise_conv1', 'pointwise_conv2'], rank=8, alpha=32, dropout=0.1),
        frozen=True))
