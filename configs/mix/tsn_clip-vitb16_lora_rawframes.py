# Our transforms, encoder and metric on MMAction2's RawframeDataset: lists of 'FOLDER FRAMES LABEL'.
_base_ = './tsn_clip-vitb16_lora_dfew.py'
data_root = 'data/own'
classes = ('happy', 'sad', 'neutral', 'angry', 'surprise', 'disgust', 'fear')

train_dataset = dict(
    _delete_=True,
    type='RawframeDataset',
    ann_file=f'{data_root}/train.txt',
    data_prefix=dict(img=data_root),
    filename_tmpl='img_{:05}.jpg',
    metainfo=dict(classes=classes),
    pipeline={{_base_.train_pipeline}})
val_dataset = dict(
    train_dataset, ann_file=f'{data_root}/val.txt', test_mode=True, pipeline={{_base_.val_pipeline}})
test_dataset = dict(
    train_dataset, ann_file=f'{data_root}/test.txt', test_mode=True, pipeline={{_base_.test_pipeline}})

train_dataloader = dict(dataset=train_dataset)
val_dataloader = dict(dataset=val_dataset)
test_dataloader = dict(dataset=test_dataset)
