"""Models whose parameters may be sharded over the processes (FSDP): their state dict and gradients."""
from collections.abc import Iterator
from typing import Any

import torch
from mmengine.dist import all_reduce, get_world_size
from mmengine.model import is_model_wrapper
from mmengine.registry import FUNCTIONS
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.distributed.fsdp import FullyShardedDataParallel

from claip_emo_mm.engine.checkpoints.compatibility import clean_name
from claip_emo_mm.models.backbones.clip import VisionBlock


@FUNCTIONS.register_module()
def vision_block_policy(module: nn.Module, recurse: bool, nonwrapped_numel: int) -> bool:
    """FSDP's `auto_wrap_policy` that wraps each transformer block of the visual encoder."""
    return recurse or isinstance(module, VisionBlock)


def unwrapped_model(runner: Runner) -> nn.Module:
    """The model without the wrapper of distributed training."""
    return runner.model.module if is_model_wrapper(runner.model) else runner.model


def is_sharded(runner: Runner) -> bool:
    """Whether every process holds only a shard of the parameters."""
    return isinstance(runner.model, FullyShardedDataParallel)


def full_state_dict(runner: Runner) -> dict[str, Tensor]:
    """State dict of the unwrapped model. All processes must call it; of a sharded model only rank 0 gets it."""
    return (runner.model if is_sharded(runner) else unwrapped_model(runner)).state_dict()


def mean_gradients(runner: Runner) -> dict[str, Tensor]:
    """Gradients of the full parameters, averaged over the processes, on the CPU; all must call it."""
    gradients = {}
    if not is_sharded(runner):
        for name, parameter in unwrapped_model(runner).named_parameters():
            if parameter.grad is not None:
                gradient = parameter.grad.detach().clone()
                all_reduce(gradient, 'mean')
                gradients[name] = gradient.cpu()
        return gradients
    for name, parameter, flat, shape, shard in _sharded_parameters(runner.model):
        full = torch.zeros(shape, device=parameter.device)
        part = getattr(flat, '_saved_grad_shard', None) if shard.in_shard else None
        if part is not None:
            part = part[shard.offset_in_shard:shard.offset_in_shard + shard.numel_in_shard]
        if parameter.grad is not None and flat.grad is not None and flat.grad.numel() != flat._sharded_size.numel():
            full += parameter.grad  # of this process's clips, not reduced yet
        elif parameter.grad is not None and shard.in_shard:
            part = parameter.grad
        if part is not None:  # already reduced: only one process has it, and the mean divides it
            full.view(-1)[_place(shard)] += part.flatten() * get_world_size()
        all_reduce(full, 'mean')
        gradients[name] = full.cpu()
    return gradients


def set_gradients(runner: Runner, gradients: dict[str, Tensor]) -> None:
    """Give each process the gradients, or its shard of them; the next step adds to them."""
    if not is_sharded(runner):
        for name, parameter in unwrapped_model(runner).named_parameters():
            if name in gradients:
                parameter.grad = gradients[name].to(parameter.device)
        return
    for name, parameter, _, _, shard in _sharded_parameters(runner.model):
        if name in gradients and shard.in_shard:
            parameter.grad = gradients[name].flatten()[_place(shard)].to(parameter.device, copy=True)


def _sharded_parameters(model: nn.Module) -> Iterator[tuple[str, nn.Parameter, Any, torch.Size, Any]]:
    """Name, trainable parameter, FSDP's flat parameter that holds it, full shape, place of this process's shard."""
    for path, module in model.named_modules():
        handle = getattr(module, '_handle', None) if isinstance(module, FullyShardedDataParallel) else None
        if handle is None or not handle._use_orig_params:
            continue
        flat = handle.flat_param
        prefix = clean_name(f'{path}.').lstrip('.')
        for own, parameter, shape, shard in zip(flat._fqns, flat._params, flat._shapes, flat._shard_param_infos,
                                                strict=True):
            if parameter.requires_grad:
                yield f'{prefix}{own}', parameter, flat, torch.Size(shape), shard


def _place(shard: Any) -> slice:
    """Where a shard lies in the flattened full parameter."""
    return slice(shard.intra_param_start_idx, shard.intra_param_end_idx + 1)
