# The reference recipe (arXiv 2509.14527): AdamW, 5 epochs of warm-up, cosine to 100 epochs, mixed precision.
train_cfg = dict(type='ResumableTrainLoop', max_epochs=100, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

optim_wrapper = dict(
    type='AmpOptimWrapper',  # without a GPU: --cfg-options optim_wrapper.type=OptimWrapper
    dtype='float16',  # or bfloat16
    loss_scale='dynamic',
    accumulative_counts=2,  # DFEW: 32 clips per step, on 2 GPUs x 8
    constructor='ScaledLROptimWrapperConstructor',
    optimizer=dict(type='AdamW', lr=1e-5, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.05),  # lr for every 8 clips
    # Token and positions of the temporal neck have weight decay, as in the reference.
    paramwise_cfg=dict(norm_decay_mult=0, bias_decay_mult=0, flat_decay_mult=0))
auto_scale_lr = dict(base_batch_size=8, enable=True)  # lr x batch size x processes / 8: 4e-5 for 32 clips
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6, by_epoch=True, end=5, convert_to_iter_based=True),  # 0 is not allowed
    # 1e-6 for every 256 clips, where the initial rate is 1e-5 for every 8: (1e-6 / 256) / (1e-5 / 8)
    dict(type='CosineAnnealingLR', eta_min_ratio=0.003125, by_epoch=True, begin=5, convert_to_iter_based=True),
]
randomness = dict(seed=0, diff_rank_seed=True)  # different mixup in each process
