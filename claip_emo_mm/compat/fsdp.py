"""Patches of FSDP through MMEngine's FlexibleRunner and FSDPStrategy: without a GPU, and resuming.

Use `strategy=dict(type='FSDPStrategy', state_dict_cfg='full')`. MMAction2's default, `state_dict_cfg='local'`, trains
and saves, but its files hold objects of running processes (ShardedTensor) that the safe loader refuses.
"""
from collections.abc import Callable
from dataclasses import replace
from unittest.mock import patch

import torch
from mmengine._strategy import fsdp
from mmengine.model import is_model_wrapper
from mmengine.model.wrappers import MMFullyShardedDataParallel
from mmengine.runner import FlexibleRunner
from torch import nn
from torch.distributed.fsdp import FullyShardedDataParallel

from claip_emo_mm.compat import replace_method


def patch_device() -> None:
    """Let FSDP shard a model on the CPU, and save the optimizer's true state there.

    FSDPStrategy always passes `device_id=LOCAL_RANK`. Shows as `Cannot access accelerator device when none is
    available` or `Found no NVIDIA driver`. Can go when MMEngine asks for an accelerator first.

    With `offload_to_cpu`, which `state_dict_cfg='full'` sets for the optimizer, torch 2.14 gathers all states of a
    parameter into one buffer and relies on `.cpu()` to copy, which it does not on the CPU. Shows silently: the saved
    `exp_avg` is a second `exp_avg_sq`. Can go when torch copies in any case.
    """
    @replace_method(MMFullyShardedDataParallel, '__init__')
    def init(original: Callable[..., None], *args: object, device_id: object = None, **kwargs: object) -> None:
        original(*args, device_id=device_id if torch.accelerator.is_available() else torch.device('cpu'), **kwargs)

    @replace_method(MMFullyShardedDataParallel, 'set_state_dict_type')
    def set_state_dict_type(original: Callable[..., object], module: nn.Module, state_dict_type: object,
                            state_dict_config: object = None, optim_state_dict_config: object = None) -> object:
        if optim_state_dict_config is not None and not torch.accelerator.is_available():
            optim_state_dict_config = replace(optim_state_dict_config, offload_to_cpu=False)
        return original(module, state_dict_type, state_dict_config, optim_state_dict_config)

    MMFullyShardedDataParallel.set_state_dict_type = staticmethod(MMFullyShardedDataParallel.set_state_dict_type)


def patch_resume() -> None:
    """Let FSDPStrategy load an optimizer's state.

    torch 2.1 changed the argument order of `FSDP.optim_state_dict_to_load`; MMEngine 0.10.7 passes the old one. Shows
    as `unhashable type: 'dict'` on resuming. Can go when MMEngine passes the arguments by name.
    """
    fsdp.FSDP = _OldArgumentOrder


class _OldArgumentOrder(FullyShardedDataParallel):
    @staticmethod
    def optim_state_dict_to_load(state_dict: dict, model: nn.Module, optim: torch.optim.Optimizer) -> dict:
        return FullyShardedDataParallel.optim_state_dict_to_load(model, optim, state_dict)


def patch_batch_norm() -> None:
    """Let FSDPStrategy apply its option `sync_bn`.

    MMEngine 0.10.7's strategy takes the option but does not convert the model. Shows silently: each process's batch
    norm follows its own clips. Can go when `FSDPStrategy._wrap_model` calls `convert_model`.
    """
    @replace_method(fsdp.FSDPStrategy, '_wrap_model')
    def wrap(original: Callable[..., nn.Module], self: fsdp.FSDPStrategy, model: nn.Module) -> nn.Module:
        return original(self, model if is_model_wrapper(model) else self.convert_model(model))


def patch_flexible_runner() -> None:
    """Let FlexibleRunner save the epoch and iteration that the caller of `save_checkpoint` gives.

    MMEngine 0.10.7 overwrites them by its own, which have moved on after an evaluation. Shows silently: with
    `save_best` a resumed training skips an epoch. Can go when FlexibleRunner sets them as defaults, as Runner does.
    """
    @replace_method(FlexibleRunner, 'save_checkpoint')
    def save_checkpoint(original: Callable[..., None], self: FlexibleRunner, *args: object, meta: dict | None = None,
                        **kwargs: object) -> None:
        progress = {key: value for key, value in (meta or {}).items() if key in ('epoch', 'iter')}
        save = self.strategy.save_checkpoint

        def save_with_progress(*args: object, extra_ckpt: dict, **kwargs: object) -> None:
            extra_ckpt['meta'].update(progress)
            save(*args, extra_ckpt=extra_ckpt, **kwargs)

        with patch.object(self.strategy, 'save_checkpoint', save_with_progress):
            original(self, *args, meta=meta, **kwargs)
