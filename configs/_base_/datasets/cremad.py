# CREMA-D, 6 classes: python tools/prepare_data.py cremad DOWNLOAD --out data/cremad. The rest is as for DFEW.
_base_ = ['./dfew.py']
data_root = 'data/cremad'

train_dataloader = dict(dataset=dict(type='CorpusDataset', corpus='cremad', data_root=data_root))
val_dataloader = dict(dataset=dict(type='CorpusDataset', corpus='cremad', data_root=data_root))
test_dataloader = dict(dataset=dict(type='CorpusDataset', corpus='cremad', data_root=data_root))
