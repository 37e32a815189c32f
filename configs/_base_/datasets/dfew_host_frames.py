# DFEW's frames with our transforms, in the input format of MMAction2's Recognizer2D.
_base_ = ['./dfew.py']

mmaction_inputs = [
    dict(type='GatherViews'),
    dict(type='FormatShape', input_format='NCHW'),
    dict(type='PackActionInputs', meta_keys=('filename', 'frame_dir', 'sample_idx', 'img_shape')),
]
train_pipeline = [*_base_.train_views, *_base_.train_visual, *mmaction_inputs]
val_pipeline = [*_base_.val_views, *_base_.test_visual, *mmaction_inputs]
test_pipeline = [*_base_.test_views, *_base_.test_visual, *mmaction_inputs]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
