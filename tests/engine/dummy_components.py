"""A model, a data set and a metric that take milliseconds, and a config of them."""
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmaction.registry import DATASETS, METRICS, MODELS
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.logging import MessageHub
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.utils.data import Dataset

from claip_emo_mm.errors import InputError

CLASSES = ('calm', 'loud', 'odd')


@DATASETS.register_module()
class DummyDataset(Dataset):
    """Five features of width 4; class = index modulo 3. `broken` is the number of a sample that cannot be read."""

    def __init__(self, classes: tuple[str, ...] = CLASSES, built: str | None = None, broken: int | None = None) -> None:
        self.metainfo = dict(classes=tuple(classes))
        self.broken = broken
        if built is not None:
            Path(built).touch()

    def __len__(self) -> int:
        return 5

    def __getitem__(self, index: int) -> dict[str, Any]:
        if index == self.broken:
            raise InputError(f'clip {index}.mp4: no frames.\nMake it again.')
        return dict(feature=torch.full((4,), float(index)), label=index % 3)


class DummyHead(nn.Linear):
    """A linear head that knows how many classes it has."""

    def __init__(self, num_classes: int) -> None:
        super().__init__(4, num_classes)
        self.num_classes = num_classes


@MODELS.register_module()
class DummyModel(BaseModel):
    """A frozen backbone of 20 parameters and a head of 5 for each class.

    `source` stands for a file of weights: it is the seed from which the backbone is sampled again.
    """

    def __init__(self, num_classes: int = 3, frozen_head: bool = False, width: int = 4, dropout: float = 0.,
                 source: int | None = None) -> None:
        super().__init__()
        with torch.random.fork_rng():
            if source is not None:
                torch.manual_seed(source)
            self.backbone = nn.Linear(width, width).requires_grad_(False)
        self.backbone.weights_from = source
        self.dropout = nn.Dropout(dropout)
        self.cls_head = DummyHead(num_classes).requires_grad_(not frozen_head)

    def forward(self, feature: Tensor, label: Tensor, mode: str) -> dict[str, Tensor] | list[dict[str, Tensor]]:
        logits = self.cls_head(self.dropout(self.backbone(feature)))
        if mode == 'loss':
            return dict(loss=nn.functional.cross_entropy(logits, label))
        return [dict(right=right) for right in logits.argmax(1) == label]


@METRICS.register_module()
class DummyMetric(BaseMetric):
    """Accuracy, in percent."""

    def process(self, data_batch: Any, data_samples: list[dict]) -> None:
        self.results.extend(bool(sample['right']) for sample in data_samples)

    def compute_metrics(self, results: list[bool]) -> dict[str, float]:
        return dict(WAR=100 * sum(results) / len(results))


@METRICS.register_module()
class FixedMetric(BaseMetric):
    """Fixed values after the epochs, of 3 iterations each."""

    def __init__(self, values: Sequence[float] = (1., 2., 3., 4., 5., 6.), name: str = 'WAR') -> None:
        super().__init__()
        self.values, self.name = values, name

    def process(self, data_batch: Any, data_samples: list[dict]) -> None:
        self.results.extend(1 for _ in data_samples)

    def compute_metrics(self, results: list[int]) -> dict[str, float]:
        iterations = MessageHub.get_current_instance().get_info('iter')  # 2, 5, ...; 3, 6, ... in a resumed run
        return {self.name: self.values[(iterations + 1) // 3 - 1]}


def write_dummy_config(path: Path, work_dir: Path, text: str = '') -> str:
    """Write the dummy config to a file, with lines of text after it, and return the file's path."""
    lines = [f'{key} = {value!r}' for key, value in dummy_config(work_dir).items()]
    path.write_text('\n'.join([*lines, text, '']))
    return str(path)


def dummy_config(work_dir: Path) -> dict[str, Any]:
    """A complete config: one epoch of training, validation and test."""
    def loader(shuffle: bool) -> dict[str, Any]:
        return dict(batch_size=2, num_workers=0, dataset=dict(type='DummyDataset'),
                    collate_fn=dict(type='default_collate'), sampler=dict(type='DefaultSampler', shuffle=shuffle))

    return dict(
        default_scope='mmaction',
        model=dict(type='DummyModel', num_classes=3),
        train_dataloader=loader(True),
        train_cfg=dict(type='ResumableTrainLoop', max_epochs=1),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
        val_dataloader=loader(False),
        val_cfg=dict(),
        val_evaluator=dict(type='DummyMetric'),
        test_dataloader=loader(False),
        test_cfg=dict(),
        test_evaluator=dict(type='DummyMetric'),
        custom_hooks=[dict(type='TrainableParametersHook'), dict(type='ClassCheckHook'), dict(type='StrictLoadingHook'),
                      dict(type='AdapterCheckpointHook'), dict(type='ResumeStateHook'),
                      dict(type='IterationSeedHook'), dict(type='AccumulatedGradientHook'),
                      dict(type='PreemptionHook')],
        custom_imports=dict(imports=['dummy_components']),
        randomness=dict(seed=0),
        work_dir=str(work_dir),
    )


class SignalAt(Hook):
    """Asks its own process to end while an iteration, counted from 0, is trained."""

    def __init__(self, at: int) -> None:
        self.at = at

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: object = None) -> None:
        if runner.iter == self.at:
            os.kill(os.getpid(), signal.SIGTERM)
