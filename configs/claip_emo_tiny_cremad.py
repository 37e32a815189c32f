# The tiny model on a download of drawn clips: the smoke test of tools/reproduce.sh. Says nothing about real clips.
_base_ = 'claip_emo_tiny_toy.py'

fold = 1  # --cfg-options fold=2 changes it in every loader

corpus = dict(_delete_=True, type='CorpusDataset', corpus='cremad', fold=fold)
model = dict(cls_head=dict(num_classes=6))
train_dataloader = dict(dataset=dict(**corpus, split='train', pipeline={{_base_.train_pipeline}}))
val_dataloader = dict(dataset=dict(**corpus, split='test', pipeline={{_base_.test_pipeline}}, test_mode=True))
test_dataloader = dict(dataset=dict(**corpus, split='test', pipeline={{_base_.test_pipeline}}, test_mode=True))
