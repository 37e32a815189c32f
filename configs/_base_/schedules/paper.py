# The reference recipe (arXiv 2509.14527): AdamW, 5 epochs of warm-up, cosine to 100 epochs, half precision. For
# 32 clips a step: 2 GPUs x 8 clips x 2 accumulated steps. Its mixup and its early stopping are not in here.
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=100, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

optim_wrapper = dict(
    type='AmpOptimWrapper',
    dtype='float16',
    loss_scale='dynamic',
    accumulative_counts=2,
    optimizer=dict(type='AdamW', lr=4e-5, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.05),  # 1e-5 for every 8 clips
    paramwise_cfg=dict(norm_decay_mult=0, bias_decay_mult=0))  # the neck's token and positions are decayed, as there
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6, by_epoch=True, end=5, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', eta_min=1.25e-7, by_epoch=True, begin=5, convert_to_iter_based=True),  # 1e-6 for 256
]
randomness = dict(seed=0)
