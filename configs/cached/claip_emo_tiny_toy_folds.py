# Folds of the toy set, for tools/cross_validate.py: all folds share the features of their clips.
_base_ = 'claip_emo_tiny_toy_temporal.py'

fold = 1  # --cfg-options fold=2 changes it in every loader

folds = dict(_delete_=True, type='FoldDataset', fold=fold, data_root={{_base_.data_root}})
train_dataloader = dict(dataset=dict(**folds, split='train', pipeline={{_base_.train_pipeline}}))
val_dataloader = dict(dataset=dict(**folds, split='test', pipeline={{_base_.test_pipeline}}, test_mode=True))
test_dataloader = dict(dataset=dict(**folds, split='test', pipeline={{_base_.test_pipeline}}, test_mode=True))
