"""FSDP through mmengine's FlexibleRunner and FSDPStrategy: without a GPU, and resuming.

What works: `strategy=dict(type='FSDPStrategy', state_dict_cfg='full')`. MMAction2's default, `state_dict_cfg='local'`,
trains and saves, but its files hold objects of running processes (ShardedTensor) that the safe loader refuses.
"""
from dataclasses import replace
from functools import wraps
from inspect import signature

import torch
from mmengine._strategy import BaseStrategy, fsdp
from mmengine.model import is_model_wrapper
from mmengine.model.wrappers import MMFullyShardedDataParallel
from mmengine.runner import FlexibleRunner
from torch import nn
from torch.distributed.fsdp import FullyShardedDataParallel


def repair_fsdp_device() -> None:
    """Let FSDP shard a model on the CPU, and save what the optimizer really holds there.

    FSDPStrategy always passes `device_id=LOCAL_RANK`. Shows as `Cannot access accelerator device when none is
    available` or `Found no NVIDIA driver`. Without an accelerator the CPU is passed instead. Can go when mmengine asks
    for an accelerator first.

    With `offload_to_cpu` in the optimizer's state dict config, which `state_dict_cfg='full'` sets, torch 2.14 gathers
    all states of a parameter into one buffer and relies on `.cpu()` to copy; on the CPU that copies nothing. Shows
    nowhere: the saved `exp_avg` is a second `exp_avg_sq`, and a resumed run goes another way. Without an accelerator
    the flag is cleared, torch then copies. Can go when torch copies there in any case.
    """
    original_init = MMFullyShardedDataParallel.__init__
    original_set_type = MMFullyShardedDataParallel.set_state_dict_type

    @wraps(original_init)
    def init(self: MMFullyShardedDataParallel, module: nn.Module, *args: object, device_id: object = None,
             **kwargs: object) -> None:
        device = device_id if torch.accelerator.is_available() else torch.device('cpu')
        original_init(self, module, *args, device_id=device, **kwargs)

    @wraps(original_set_type)
    def set_state_dict_type(module: nn.Module, state_dict_type: object, state_dict_config: object = None,
                            optim_state_dict_config: object = None) -> object:
        if optim_state_dict_config is not None and not torch.accelerator.is_available():
            optim_state_dict_config = replace(optim_state_dict_config, offload_to_cpu=False)
        return original_set_type(module, state_dict_type, state_dict_config, optim_state_dict_config)

    MMFullyShardedDataParallel.__init__ = init
    MMFullyShardedDataParallel.set_state_dict_type = staticmethod(set_state_dict_type)


def repair_fsdp_resume() -> None:
    """Let FSDPStrategy load the state of an optimizer.

    torch 2.1 changed the order of the arguments of `FSDP.optim_state_dict_to_load`; mmengine 0.10.7 passes them in the
    old one. Shows as `unhashable type: 'dict'` on resuming. mmengine's strategy gets a class that takes the old order
    and is FSDP otherwise. Can go when mmengine passes the arguments by name.
    """
    if next(iter(signature(FullyShardedDataParallel.optim_state_dict_to_load).parameters)) == 'model':
        fsdp.FSDP = _OldArgumentOrder


def repair_fsdp_batch_norm() -> None:
    """Let FSDPStrategy's option `sync_bn` do something.

    mmengine 0.10.7's strategy for FSDP takes it from the one for DistributedDataParallel, but does not convert the
    model. Shows nowhere: the batch norm of each process follows its own clips. Can go when its `_wrap_model` calls
    `convert_model`.
    """
    original_wrap = fsdp.FSDPStrategy._wrap_model

    @wraps(original_wrap)
    def wrap(self: fsdp.FSDPStrategy, model: nn.Module) -> nn.Module:
        return original_wrap(self, model if is_model_wrapper(model) else self.convert_model(model))

    fsdp.FSDPStrategy._wrap_model = wrap


def repair_flexible_runner() -> None:
    """Let FlexibleRunner write the epoch and iteration into a checkpoint that its caller gives.

    mmengine 0.10.7's `save_checkpoint` replaces them by its own, which have moved on after an evaluation: with
    `save_best`, CheckpointHook writes the epoch's checkpoint again, and a resumed training leaves an epoch out. Shows
    nowhere. Can go when FlexibleRunner sets them as defaults, as Runner does.
    """
    original_save = FlexibleRunner.save_checkpoint

    @wraps(original_save)
    def save_checkpoint(self: FlexibleRunner, *args: object, meta: dict | None = None, **kwargs: object) -> None:
        given = {key: value for key, value in (meta or {}).items() if key in ('epoch', 'iter')}
        strategy = self.strategy
        self.strategy = _GivenProgress(strategy, given)
        try:
            original_save(self, *args, meta=meta, **kwargs)
        finally:
            self.strategy = strategy

    FlexibleRunner.save_checkpoint = save_checkpoint


class _GivenProgress:
    """Stands for a strategy while it saves, and puts a given epoch and iteration into the file."""

    def __init__(self, strategy: BaseStrategy, given: dict[str, int]) -> None:
        self._strategy = strategy
        self._given = given

    def __getattr__(self, name: str) -> object:
        return getattr(self._strategy, name)

    def save_checkpoint(self, *args: object, extra_ckpt: dict, **kwargs: object) -> None:
        """Save as the strategy does."""
        extra_ckpt['meta'].update(self._given)
        self._strategy.save_checkpoint(*args, extra_ckpt=extra_ckpt, **kwargs)


class _OldArgumentOrder(FullyShardedDataParallel):
    """FSDP whose `optim_state_dict_to_load` takes its arguments as mmengine's strategy passes them."""

    @staticmethod
    def optim_state_dict_to_load(state_dict: dict, model: nn.Module, optim: torch.optim.Optimizer) -> dict:
        """Forward to torch's function of this name, in its order of arguments."""
        return FullyShardedDataParallel.optim_state_dict_to_load(model, optim, state_dict)
