"""Hooks that check a run: classes, losses, shared memory, trainable parameters and clips that cannot be read."""
import math
from collections import ChainMap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmaction.registry import HOOKS
from mmaction.structures import ActionDataSample
from mmengine.dist import all_gather_object, all_reduce, barrier, is_main_process
from mmengine.evaluator import DumpResults
from mmengine.hooks import Hook
from mmengine.runner import BaseLoop, Runner
from torch import nn
from torch.utils.data import DataLoader

from claip_emo_mm.engine.fsdp import is_sharded, unwrapped_model
from claip_emo_mm.engine.loop import require_batches
from claip_emo_mm.engine.shared_memory import check_shared_memory
from claip_emo_mm.errors import InputError, listing
from claip_emo_mm.structures import SKIP_REASON, clip_name
from claip_emo_mm.utils.io import write_csv

SKIPPED_FILE = 'skipped_clips.csv'
_KINDS = ('could not be read and were skipped', 'have no audio; the model read silence, or no audio',
          'have audio that may not be what was meant')


@HOOKS.register_module()
class ClassCheckHook(Hook):
    """Check that the head has as many outputs as each data set has classes, and those with names in the same order.

    Data sets without class names (`metainfo['classes']`) and heads without `num_classes` are skipped. Heads that read
    the names of their classes (`classes`) may spell them in another way.
    """

    priority = 'VERY_HIGH'

    def before_run(self, runner: Runner) -> None:
        head = getattr(unwrapped_model(runner), 'cls_head', None)
        outputs, named = getattr(head, 'num_classes', None), list(getattr(head, 'classes', ()))
        for key in ('train', 'val', 'test'):
            loop = getattr(runner, f'_{key}_loop')
            classes = dataset_classes(loop.dataloader) if isinstance(loop, BaseLoop) else []  # unused: still a config
            if outputs is not None and classes and outputs != len(classes):
                raise InputError(f'model.cls_head.num_classes is {outputs}, but the data set of {key}_dataloader has '
                                 f'{len(classes)} classes: {", ".join(classes)}. Correct the number or the class list.')
            if named != classes and sorted(named) == sorted(classes):
                raise InputError(f'model.cls_head.classes are {", ".join(named)}, but the data set of {key}_dataloader '
                                 f'counts its classes in another order: set model.cls_head.classes={classes}.')


def dataset_classes(dataloader: DataLoader) -> list[str]:
    """Class names in the order of their labels; empty where the data set has none."""
    return list(getattr(dataloader.dataset, 'metainfo', {}).get('classes', ()))


def batch_samples(data_batch: Any) -> Sequence[ActionDataSample]:
    """Data samples of a batch; empty for batches of other layouts."""
    return data_batch.get('data_samples', ()) if isinstance(data_batch, Mapping) else ()


@HOOKS.register_module()
class CheckInvalidLossHook(Hook):
    """Stop a training whose loss is infinite or NaN, before a checkpoint of it is written.

    With half precision it must stay finite too: only scaled gradients may overflow, and the scaler skips those steps.
    """

    priority = 'VERY_HIGH'

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        losses = {name: torch.as_tensor(value).detach().sum().item() for name, value in (outputs or {}).items()
                  if 'loss' in name}
        invalid = ', '.join(f'{name} is {value}' for name, value in losses.items() if not math.isfinite(value))
        if invalid:
            clips = ', '.join(clip_name(sample) for sample in batch_samples(data_batch))
            raise InputError(f'iteration {runner.iter + 1}: {invalid}. The clips of this batch: '
                             f'{clips or "(the data set does not name them)"}. Look at them (tools/browse_dataset.py, '
                             'tools/check_data.py); if they are fine, lower optim_wrapper.optimizer.lr, and --resume.')


@HOOKS.register_module()
class SharedMemoryHook(Hook):
    """Refuse data loader workers that will fill /dev/shm, which containers keep small (Docker: 64 MB)."""

    def before_train(self, runner: Runner) -> None:
        check_shared_memory(runner.train_dataloader, 'train_dataloader')
        if runner.val_loop is not None:
            check_shared_memory(runner.val_dataloader, 'val_dataloader')
        barrier()  # before another process's workers fill it

    def before_test(self, runner: Runner) -> None:
        check_shared_memory(runner.test_dataloader, 'test_dataloader')
        barrier()


@HOOKS.register_module()
class TrainableParametersHook(Hook):
    """Log trainable and total parameters of the model and its components; refuses a run with nothing to train."""

    priority = 'VERY_HIGH'

    def before_train(self, runner: Runner) -> None:
        require_batches(runner.train_dataloader)
        model = unwrapped_model(runner)
        children = dict(model.named_children())
        counts = torch.tensor([count_parameters(module) for module in (model, *children.values())])
        if is_sharded(runner):
            all_reduce(counts)
        (trainable, total), *of_children = counts.tolist()
        components = {name: counts for name, counts in zip(children, of_children, strict=True) if counts[1]}
        if not total:
            raise InputError(f'model: {type(model).__name__} has no parameters to train. Give it a component.')
        if not trainable:
            frozen = ', '.join(f'model.{name} ({count:,})' for name, (_, count) in components.items())
            raise InputError(f'model: 0 of {total:,} parameters would be trained: every component is frozen: {frozen}. '
                             'Give a backbone adapters, or remove the key that freezes one of these components.')
        width = max([len(name) for name in components], default=0)
        lines = [f'  {name:<{width}}  {_ratio(*counts)}' for name, counts in components.items()]
        runner.logger.info('\n'.join([f'Trainable parameters: {_ratio(trainable, total)}', *lines]))


def count_parameters(module: nn.Module) -> tuple[int, int]:
    """Numbers of trainable and of total parameters; without buffers, shared parameters count once."""
    parameters = list(module.parameters())
    return sum(p.numel() for p in parameters if p.requires_grad), sum(p.numel() for p in parameters)


def _ratio(trainable: int, total: int) -> str:
    return f'{trainable:,} of {total:,} ({100 * trainable / max(total, 1):.2f} %)'


@HOOKS.register_module()
class SkippedClipsHook(Hook):
    """Report skipped clips (`on_error='skip'`), clips without audio (`on_missing='silence'`), and clips whose audio has
    a note: it is silent, or its channels cancel each other.

    They are collected over all ranks and logged after each epoch of training, validation or test. Skipped clips are
    listed with the reason in `skipped_clips.csv` in the work folder at the end of the run. A metric that would evaluate
    them is refused, unless it looks for `skip_reason` and says so by the attribute ``takes_skipped_clips``.
    """

    def __init__(self) -> None:
        self._clips: tuple[dict[str, str], ...] = ({}, {}, {})  # of the epoch, skipped, silent, noted: name -> text
        self._skipped_in_run: dict[str, str] = {}

    def _before_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, mode: str = 'train') -> None:
        if mode == 'train':
            return
        skipped = next((sample for sample in batch_samples(data_batch) if sample.get(SKIP_REASON) is not None), None)
        for metric in getattr(runner, f'{mode}_evaluator').metrics if skipped is not None else ():
            if not (isinstance(metric, DumpResults) or getattr(metric, 'takes_skipped_clips', False)):
                raise InputError(f"{skipped.get(SKIP_REASON)} (on_error='skip' skips it, but {type(metric).__name__} "
                                 "needs scores of every clip: use EmotionMetric, or set on_error='raise'.)")

    def _after_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None,
                    mode: str = 'train') -> None:
        for sample in batch_samples(data_batch):
            name = clip_name(sample)
            skipped, silent, noted = self._clips
            if sample.get(SKIP_REASON) is not None:
                skipped[name] = sample.get(SKIP_REASON)
            elif sample.get('audio_missing'):
                silent[name] = name
            elif sample.get('audio_note'):
                noted[name] = f'{name}: {sample.get("audio_note")}'

    def _after_epoch(self, runner: Runner, mode: str = 'train') -> None:
        collected = [dict(ChainMap(*of_kind)) for of_kind in zip(*all_gather_object(self._clips), strict=True)]
        self._clips = ({}, {}, {})
        self._skipped_in_run |= collected[0]
        for clips, what in zip(collected, _KINDS, strict=True):
            if clips:
                lines = [line for _, line in sorted(clips.items())]
                runner.logger.warning(f'{mode}: {len(clips)} clips {what}:{listing(lines)}')

    def after_run(self, runner: Runner) -> None:
        if not self._skipped_in_run or not is_main_process():
            return
        path = Path(runner.work_dir) / SKIPPED_FILE
        write_csv(path, ('clip', 'reason'), sorted(self._skipped_in_run.items()))
        runner.logger.warning(f'{len(self._skipped_in_run)} clips were skipped in this run: {path}')
