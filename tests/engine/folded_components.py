"""A data set in folds and a model that learns it in milliseconds, for tests of the cross-validation."""
import os
from pathlib import Path
from typing import Any

import torch
from mmaction.registry import DATASETS, HOOKS, MODELS
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.utils.data import Dataset

CLASSES = ('calm', 'loud', 'odd')
CLIPS = 21


@DATASETS.register_module()
class FoldedDataset(Dataset):
    """21 features of width 3, class = number modulo 3; every third of a fold's number is tested."""

    def __init__(self, fold: int, split: str) -> None:
        self.metainfo = dict(classes=CLASSES)
        self.numbers = [number for number in range(CLIPS) if (number // 3 % 3 == fold - 1) == (split == 'test')]

    def __len__(self) -> int:
        return len(self.numbers)

    def get_data_info(self, index: int) -> dict[str, int]:
        return dict(label=self.numbers[index] % 3)

    def get_subset_(self, indices: list[int]) -> None:
        self.numbers = [self.numbers[index] for index in indices]

    def __getitem__(self, index: int) -> dict[str, Any]:
        number = self.numbers[index]
        generator = torch.Generator().manual_seed(number)
        feature = torch.eye(3)[number % 3] + torch.randn(3, generator=generator)
        return dict(feature=feature, label=number % 3, name=f'{number}.mp4')


@MODELS.register_module()
class FoldedModel(BaseModel):
    """A linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.cls_head = nn.Linear(3, 3)

    def forward(self, feature: Tensor, label: Tensor, name: list[str],
                mode: str) -> dict[str, Tensor] | list[dict[str, Any]]:
        logits = self.cls_head(feature)
        if mode == 'loss':
            return dict(loss=nn.functional.cross_entropy(logits, label))
        return [dict(gt_label=clip_label, pred_score=scores, filename=clip_name)
                for clip_label, scores, clip_name in zip(label, logits.softmax(1), name, strict=True)]


@HOOKS.register_module()
class DyingHook(Hook):
    """Kill the process in the middle of epoch 3 of fold 2, where the file `die` lies in the current folder."""

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None,
                         outputs: dict | None = None) -> None:
        if Path('die').exists() and runner.epoch == 2 and batch_idx == 1 and (
                runner.train_dataloader.dataset.numbers[:4] == [0, 1, 2, 6]):
            os._exit(9)


def folded_config() -> dict[str, Any]:
    """A complete config: four epochs, validated and tested on the fold's test split."""
    def loader(split: str) -> dict[str, Any]:
        return dict(batch_size=4, num_workers=0, dataset=dict(type='FoldedDataset', fold=1, split=split),
                    collate_fn=dict(type='default_collate'),
                    sampler=dict(type='DefaultSampler', shuffle=split == 'train'))

    return dict(
        default_scope='mmaction',
        model=dict(type='FoldedModel'),
        train_dataloader=loader('train'),
        train_cfg=dict(type='ResumableTrainLoop', max_epochs=4),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.5, momentum=.9)),
        val_dataloader=loader('test'), val_cfg=dict(), val_evaluator=dict(type='EmotionMetric'),
        test_dataloader=loader('test'), test_cfg=dict(), test_evaluator=dict(type='EmotionMetric'),
        default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=1, max_keep_ckpts=2),
                           early_stop=dict(type='EarlyStoppingHook', monitor='WAR', rule='greater', patience=1)),
        custom_hooks=[dict(type='DyingHook'), dict(type='AdapterCheckpointHook'), dict(type='ResumeStateHook'),
                      dict(type='IterationSeedHook'), dict(type='PreemptionHook')],
        custom_imports=dict(imports=['folded_components']),
    )
