# Our transforms, encoder and metric on MMAction2's VideoDataset: lists of 'PATH LABEL', labels from 0.
_base_ = './tsn_clip-vitb16_lora_dfew.py'
data_root = 'data/own'
classes = ('happy', 'sad', 'neutral', 'angry', 'surprise', 'disgust', 'fear')

train_dataset = dict(
    _delete_=True,
    type='VideoDataset',
    ann_file=f'{data_root}/train.txt',
    data_prefix=dict(video=data_root),
    metainfo=dict(classes=classes),  # for tables and plots; without it classes are named 0, 1, ...
    pipeline={{_base_.train_pipeline}})
val_dataset = dict(
    train_dataset, ann_file=f'{data_root}/val.txt', test_mode=True, pipeline={{_base_.val_pipeline}})
test_dataset = dict(
    train_dataset, ann_file=f'{data_root}/test.txt', test_mode=True, pipeline={{_base_.test_pipeline}})

train_dataloader = dict(dataset=train_dataset)
val_dataloader = dict(dataset=val_dataset)
test_dataloader = dict(dataset=test_dataset)
