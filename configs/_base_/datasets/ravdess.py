# RAVDESS, speech, 8 classes, 6 folds: python tools/prepare_data.py ravdess DOWNLOAD --out data/ravdess. As for DFEW.
_base_ = ['./dfew.py']
data_root = 'data/ravdess'

train_dataloader = dict(dataset=dict(type='CorpusDataset', corpus='ravdess', data_root=data_root))
val_dataloader = dict(dataset=dict(type='CorpusDataset', corpus='ravdess', data_root=data_root))
test_dataloader = dict(dataset=dict(type='CorpusDataset', corpus='ravdess', data_root=data_root))
