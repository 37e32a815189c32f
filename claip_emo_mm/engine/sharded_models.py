"""Models whose parameters are shared out over the processes (FSDP)."""
import torch
from mmengine.dist import all_reduce
from mmengine.model import is_model_wrapper
from mmengine.registry import FUNCTIONS
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.distributed.fsdp import FullyShardedDataParallel

from claip_emo_mm.models.backbones.vision_block import VisionBlock


@FUNCTIONS.register_module()
def vision_block_policy(module: nn.Module, recurse: bool, nonwrapped_numel: int) -> bool:
    """Policy for FSDP's `auto_wrap_policy`: each block of the visual tower is gathered when it is its turn."""
    return recurse or isinstance(module, VisionBlock)


def unwrapped_model(runner: Runner) -> nn.Module:
    """The model without the wrapper of distributed training."""
    return runner.model.module if is_model_wrapper(runner.model) else runner.model


def is_sharded(runner: Runner) -> bool:
    """Whether every process holds a share of the parameters only."""
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
