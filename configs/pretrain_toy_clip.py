# The toy model's visual encoder, pretrained on captioned synthetic faces: python tools/pretrain_toy.py clip
_base_ = ['_base_/schedules/pretrain_toy.py', '_base_/runtime.py']

custom_imports = dict(imports=['claip_emo_mm', 'claip_emo_mm.toy'])

model = dict(
    type='ContrastivePretrainer',
    data_preprocessor=dict(type='AudioVisualDataPreprocessor', mean=None, std=None),  # converges faster
    backbone=dict(
        type='CLIPVisualBackbone',
        arch=dict(image_size=64, patch_size=8, width=128, layers=4, head_width=32),
        frozen=False),
    inputs_key='frames',
    vocab_size=89,
    context_length=7)

train_dataloader = dict(
    batch_size=16,  # identities
    num_workers=0,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type='CaptionedDataset', data_root='data/toy_captioned', context_length=7,
        drawn=dict(kind='faces', identities=4000, per_identity=6)))

default_hooks = dict(
    logger=dict(interval=50), checkpoint=dict(by_epoch=False, interval=250, max_keep_ckpts=1))
custom_hooks = [dict(type='TrainableParametersHook'), dict(type='StrictLoadingHook')]
log_processor = dict(by_epoch=False, window_size=50)
