# What the reference recipe adds: the best epoch is kept, and 20 epochs without a better accuracy are the last ones.
_base_ = './runtime.py'

default_hooks = dict(
    checkpoint=dict(save_best='WAR', rule='greater'),
    early_stop=dict(type='EarlyStoppingHook', monitor='WAR', rule='greater', min_delta=1e-3, patience=20))  # percent
