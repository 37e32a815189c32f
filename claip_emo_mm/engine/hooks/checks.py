"""Hooks that check a run: classes, losses, shared memory and trainable parameters."""
import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmaction.registry import HOOKS
from mmaction.structures import ActionDataSample
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
    """Check that the head has as many outputs as each data set has classes.

    Data sets without class names (`metainfo['classes']`) and heads without `num_classes` are skipped.
    """

    priority = 'VERY_HIGH'

    def before_run(self, runner: Runner) -> None:
        outputs = getattr(getattr(unwrapped_model(runner), 'cls_head', None), 'num_classes', None)
        for key in ('train', 'val', 'test'):
            loop = getattr(runner, f'_{key}_loop')
            classes = dataset_classes(loop.dataloader) if isinstance(loop, BaseLoop) else []  # unused: still a config
            if outputs is not None and classes and outputs != len(classes):
                raise InputError(f'model.cls_head.num_classes is {outputs}, but the data set of {key}_dataloader has '
                                 f'{len(classes)} classes: {", ".join(classes)}. Correct the number or the class list.')


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
        trainable, total = sum_over_shards(runner, count_parameters(model))
        components = {name: sum_over_shards(runner, count_parameters(component))
                      for name, component in model.named_children()}
        components = {name: counts for name, counts in components.items() if counts[1]}
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
