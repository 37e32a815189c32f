# MELD, 7 classes: python tools/prepare_data.py meld DOWNLOAD --out data/meld. Official splits; the rest is as for DFEW.
_base_ = ['./dfew.py']
data_root = 'data/meld'
fold = None  # no folds

meld = dict(type='CorpusDataset', corpus='meld', fold=fold, data_root=data_root)
train_dataloader = dict(dataset=meld)
val_dataloader = dict(dataset=dict(**meld, split='val'))
test_dataloader = dict(dataset=meld)
