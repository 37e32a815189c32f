# The reference recipe keeps the best epoch and stops after 20 epochs without improvement.
_base_ = './runtime.py'

default_hooks = dict(
    checkpoint=dict(save_best='WAR', rule='greater'),
    early_stop=dict(type='EarlyStoppingHook', monitor='WAR', rule='greater', min_delta=1e-3, patience=20))  # percent
