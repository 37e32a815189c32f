# Folds of the toy set, split by identity: python tools/prepare_data.py toy --folds 5; for tools/cross_validate.py.
_base_ = 'claip_emo_tiny_toy.py'

fold = 1  # --cfg-options fold=2 changes it in every loader

folds = dict(_delete_=True, type='FoldDataset', fold=fold, data_root={{_base_.data_root}})
train_dataloader = dict(dataset=dict(**folds, split='train', pipeline={{_base_.train_pipeline}}))
val_dataloader = dict(dataset=dict(**folds, split='test', pipeline={{_base_.test_pipeline}}, test_mode=True))
test_dataloader = dict(dataset=dict(**folds, split='test', pipeline={{_base_.test_pipeline}}, test_mode=True))
