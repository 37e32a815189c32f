"""Checks before and during training."""
import math
from collections.abc import Mapping
from typing import Any

import torch
from mmaction.registry import HOOKS
from mmengine.dist import barrier
from mmengine.hooks import Hook
from mmengine.runner import BaseLoop, Runner
from torch import nn
from torch.utils.data import DataLoader

from claip_emo_mm.engine.fsdp import sum_over_shards, unwrapped_model
from claip_emo_mm.engine.loop import require_batches
from claip_emo_mm.engine.shared_memory import check_shared_memory
from claip_emo_mm.errors import InputError
from claip_emo_mm.structures import clip_name


@HOOKS.register_module()
class ClassCheckHook(Hook):
    """Refuse a head with another number of outputs than a data set has classes.

    Data sets that do not name their classes (`metainfo['classes']`) and heads without `num_classes` are left alone.

    Raises:
        InputError: the numbers differ.
    """

    priority = 'VERY_HIGH'

    def before_run(self, runner: Runner) -> None:
        for key in ('train', 'val', 'test'):
            loop = getattr(runner, f'_{key}_loop')
            if isinstance(loop, BaseLoop):  # a loop that this run does not use is still a config
                self._check_head(runner, f'{key}_dataloader', loop.dataloader)

    def _check_head(self, runner: Runner, key: str, dataloader: DataLoader) -> None:
        outputs = getattr(getattr(unwrapped_model(runner), 'cls_head', None), 'num_classes', None)
        classes = dataset_classes(dataloader)
        if outputs is not None and classes and outputs != len(classes):
            raise InputError(f'model.cls_head.num_classes is {outputs}, but the data set of {key} has {len(classes)} '
                             f'classes: {", ".join(classes)}. Set model.cls_head.num_classes={len(classes)}, or give '
                             f'{key}.dataset the right class list.')


def dataset_classes(dataloader: DataLoader) -> list[str]:
    """Names of the classes, in the order of their numbers; empty where the data set does not say."""
    return list(getattr(dataloader.dataset, 'metainfo', {}).get('classes', ()))


@HOOKS.register_module()
class CheckInvalidLossHook(Hook):
    """Stop a training whose loss is infinite or not a number, before a checkpoint of it is written.

    With half precision the loss itself must stay finite too: it is the scaled gradients that may overflow, and the
    scaler skips those steps.

    Raises:
        InputError: with the iteration, the loss and the clips of the batch.
    """

    priority = 'VERY_HIGH'

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None,
                         outputs: Mapping[str, Any] | None = None) -> None:
        losses = {name: torch.as_tensor(value).detach().sum().item() for name, value in (outputs or {}).items()
                  if 'loss' in name}
        broken = {name: value for name, value in losses.items() if not math.isfinite(value)}
        if broken:
            found = ', '.join(f'{name} is {value}' for name, value in broken.items())
            raise InputError(f'iteration {runner.iter + 1}: {found}. The clips of this batch: '
                             f'{", ".join(_names(data_batch))}. Look at them (tools/browse_dataset.py, '
                             'tools/check_data.py); if they are audio, lower optim_wrapper.optimizer.lr. --resume goes '
                             'on from the last checkpoint, which was written before.')


def _names(data_batch: Any) -> list[str]:
    samples = data_batch.get('data_samples', ()) if isinstance(data_batch, Mapping) else ()
    return [clip_name(sample) for sample in samples] or ['(the data set does not name them)']


@HOOKS.register_module()
class SharedMemoryHook(Hook):
    """Refuse workers that will fill /dev/shm, which containers keep small (Docker: 64 MB).

    Raises:
        InputError: with the sizes, and what can be done.
    """

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
    """Log trained and all parameters, whole and part by part, before the first iteration.

    Raises:
        InputError: not a single parameter would be trained, or an epoch has no batch.
    """

    priority = 'VERY_HIGH'

    def before_train(self, runner: Runner) -> None:
        require_batches(runner.train_dataloader)
        model = unwrapped_model(runner)
        trained, whole = sum_over_shards(runner, count_parameters(model))
        parts = {name: sum_over_shards(runner, count_parameters(part)) for name, part in model.named_children()}
        parts = {name: counts for name, counts in parts.items() if counts[1]}
        if trained == 0:
            raise InputError(_nothing_trained(type(model).__name__, whole, parts))
        width = max([len(name) for name in parts], default=0)
        lines = [f'  {name:<{width}}  {_ratio(*counts)}' for name, counts in parts.items()]
        runner.logger.info('\n'.join([f'Trained parameters: {_ratio(trained, whole)}', *lines]))


def count_parameters(module: nn.Module) -> tuple[int, int]:
    """Numbers of trained and of all parameters; buffers do not count, shared parameters count once."""
    parameters = list(module.parameters())
    return sum(p.numel() for p in parameters if p.requires_grad), sum(p.numel() for p in parameters)


def _ratio(trained: int, whole: int) -> str:
    return f'{trained:,} of {whole:,} ({100 * trained / max(whole, 1):.2f} %)'


def _nothing_trained(model: str, whole: int, parts: dict[str, tuple[int, int]]) -> str:
    if not whole:
        return f'model: {model} has no parameters, so there is nothing to train. Give its config at least one part.'
    frozen = ', '.join(f'model.{name} ({count:,})' for name, (_, count) in parts.items())
    return (f'model: 0 of {whole:,} parameters would be trained: every part is frozen: {frozen}. '
            'Give a backbone adapters, or take away the key that freezes one of these parts.')
