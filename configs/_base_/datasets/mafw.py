# MAFW, 11 single emotions: python tools/prepare_data.py mafw DOWNLOAD --out data/mafw. The rest is as for DFEW.
_base_ = ['./dfew.py']
data_root = 'data/mafw'

train_dataloader = dict(dataset=dict(type='MAFWDataset', classes='single', data_root=data_root))
val_dataloader = dict(dataset=dict(type='MAFWDataset', classes='single', data_root=data_root))
test_dataloader = dict(dataset=dict(type='MAFWDataset', classes='single', data_root=data_root))
