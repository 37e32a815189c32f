# Training from cached features: what is trained is small, and an epoch takes seconds. Not tuned.
feature_cache = dict(
    dir='data/features',  # shared by all configs, folds and data sets
    views=0,  # augmented versions of a training clip; 0 for the views of the test pipeline
    dtype='float32',  # or 'float16', half the disk
    extract=True)  # what is missing at the start of a run

train_cfg = dict(type='ResumableTrainLoop', max_epochs=50, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.05),
    paramwise_cfg=dict(norm_decay_mult=0, bias_decay_mult=0))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-2, by_epoch=True, end=2, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', eta_min_ratio=1e-2, by_epoch=True, begin=2, convert_to_iter_based=True),
]
randomness = dict(seed=0)
