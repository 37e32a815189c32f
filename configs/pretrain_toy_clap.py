# The toy model's audio encoder, pretrained on captioned synthetic voices: python tools/pretrain_toy.py clap
_base_ = 'pretrain_toy_clip.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='CLAPAudioBackbone',
        arch=dict(embed_dims=32, depths=[2, 2, 2], num_heads=[2, 4, 8], mel_bins=64, spec_size=128, num_classes=1),
        spec_augment=dict(time_drop_width=16, time_stripes_num=2, freq_drop_width=4, freq_stripes_num=2),
        frozen=False),
    neck=dict(type='AudioMeanPool'),
    inputs_key='mel')

train_dataloader = dict(
    batch_size=6, dataset=dict(drawn=dict(_delete_=True, kind='voices', identities=1500, per_identity=8)))

train_cfg = dict(max_iters=1500)
