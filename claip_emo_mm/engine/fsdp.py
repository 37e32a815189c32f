"""Models whose parameters are shared out over the processes (FSDP)."""
from collections.abc import Iterator
from typing import Any

import torch
from mmengine.dist import all_reduce, get_world_size
from mmengine.model import is_model_wrapper
from mmengine.registry import FUNCTIONS
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.distributed.fsdp import FullyShardedDataParallel

from claip_emo_mm.models.backbones.clip import VisionBlock


@FUNCTIONS.register_module()
def vision_block_policy(module: nn.Module, recurse: bool, nonwrapped_numel: int) -> bool:
    """Policy for FSDP's `auto_wrap_policy`: each block of the visual encoder is gathered when it is its turn."""
    return recurse or isinstance(module, VisionBlock)


def unwrapped_model(runner: Runner) -> nn.Module:
    """The model without the wrapper of distributed training."""
    return runner.model.module if is_model_wrapper(runner.model) else runner.model


def is_sharded(runner: Runner) -> bool:
    """Whether every process holds a ratio of the parameters only."""
    return isinstance(runner.model, FullyShardedDataParallel)


def whole_state(runner: Runner) -> dict[str, Tensor]:
    """State dict of the unwrapped model. Of a sharded one all processes must ask; the first gets it, on the CPU."""
    return (runner.model if is_sharded(runner) else unwrapped_model(runner)).state_dict()


def plain_name(name: str) -> str:
    """Name of a parameter or module without what FSDP puts into it."""
    return name.replace('_fsdp_wrapped_module.', '')


def sum_over_shards(runner: Runner, counts: list[int]) -> list[int]:
    """Numbers of parameters of the whole model, from those of each process's share."""
    if not is_sharded(runner):
        return counts
    summed = torch.tensor(counts)
    all_reduce(summed)
    return summed.tolist()


def whole_gradients(runner: Runner) -> dict[str, Tensor]:
    """Gradients of the whole parameters of a sharded model, the mean of all processes, on the CPU; all must ask."""
    gradients = {}
    for name, parameter, flat, shape, shard in _sharded_parameters(runner.model):
        whole = torch.zeros(shape, device=parameter.device)
        ratio = getattr(flat, '_saved_grad_shard', None)
        ratio = None if ratio is None or not shard.in_shard else ratio[_part(shard)]
        if parameter.grad is not None and flat.grad is not None and flat.grad.numel() != flat._sharded_size.numel():
            whole += parameter.grad  # of this process's clips, not exchanged yet
        elif parameter.grad is not None and shard.in_shard:
            ratio = parameter.grad
        if ratio is not None:  # of what was exchanged: the mean of all processes takes it once
            whole.view(-1)[_place(shard)] += ratio.flatten() * get_world_size()
        all_reduce(whole, 'mean')
        gradients[name] = whole.cpu()
    return gradients


def set_gradient_shards(runner: Runner, gradients: dict[str, Tensor]) -> None:
    """Give each process its ratio of the gradients of whole parameters; the next step adds to them."""
    for name, parameter, _, _, shard in _sharded_parameters(runner.model):
        if name in gradients and shard.in_shard:
            parameter.grad = gradients[name].flatten()[_place(shard)].to(parameter.device, copy=True)


def _sharded_parameters(model: nn.Module) -> Iterator[tuple[str, nn.Parameter, Any, torch.Size, Any]]:
    """Name, trained parameter, FSDP's flat parameter that holds it, whole shape, place of this process's share."""
    for path, module in model.named_modules():
        handle = getattr(module, '_handle', None) if isinstance(module, FullyShardedDataParallel) else None
        if handle is None or not handle._use_orig_params:
            continue
        flat = handle.flat_param
        prefix = plain_name(f'{path}.').removesuffix('_fsdp_wrapped_module.').lstrip('.')
        for own, parameter, shape, shard in zip(flat._fqns, flat._params, flat._shapes, flat._shard_param_infos,
                                                strict=True):
            if parameter.requires_grad:
                yield f'{prefix}{own}', parameter, flat, torch.Size(shape), shard


def _place(shard: Any) -> slice:
    """Where a ratio lies in the whole parameter."""
    return slice(shard.intra_param_start_idx, shard.intra_param_end_idx + 1)


def _part(shard: Any) -> slice:
    """Where a ratio lies in this process's part of the flat parameter."""
    return slice(shard.offset_in_shard, shard.offset_in_shard + shard.numel_in_shard)
