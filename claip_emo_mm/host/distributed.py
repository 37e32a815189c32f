"""Distributed training without a GPU: plain `--launcher pytorch`, with the config as it is."""
from collections.abc import Callable
from functools import wraps

import torch
from mmengine.dist import utils
from mmengine.model import MMDistributedDataParallel
from torch import nn


def repair_launch() -> None:
    """Let `init_dist` start on machines without CUDA.

    mmengine 0.10.7 calls `torch.cuda.set_device` in any case, and the host's configs ask for the nccl backend. Shows
    as `module 'torch._C' has no attribute '_cuda_setDevice'` or `Found no NVIDIA driver`, then as `ProcessGroupNCCL is
    only supported with GPUs`. While mmengine starts the processes, and only where CUDA is not available, choosing the
    device does nothing and gloo takes the place of nccl; other backends stay. Can go when mmengine's
    `_init_dist_pytorch`, `_init_dist_mpi` and `_init_dist_slurm` ask for CUDA before they use it.
    """
    for name in ('_init_dist_pytorch', '_init_dist_mpi', '_init_dist_slurm'):
        setattr(utils, name, _without_cuda(getattr(utils, name)))


def repair_data_parallel() -> None:
    """Let DistributedDataParallel take a model on the CPU.

    mmengine 0.10.7's Runner and DDPStrategy always pass `device_ids=[LOCAL_RANK]`. Shows as a ValueError:
    `DistributedDataParallel device_ids and output_device arguments only work with ... GPU modules`. Where every
    parameter is on the CPU, the argument is dropped; other models get it as before. Can go when mmengine passes
    `device_ids` for accelerators only.
    """
    host_init = MMDistributedDataParallel.__init__

    @wraps(host_init)
    def init(self: MMDistributedDataParallel, module: nn.Module, *args: object, device_ids: list | None = None,
             **kwargs: object) -> None:
        if all(parameter.device.type == 'cpu' for parameter in module.parameters()):
            device_ids = None
        host_init(self, module, *args, device_ids=device_ids, **kwargs)

    MMDistributedDataParallel.__init__ = init


def _without_cuda(init_dist: Callable[..., None]) -> Callable[..., None]:
    @wraps(init_dist)
    def init(backend: str, *args: object, **kwargs: object) -> None:
        if torch.cuda.is_available():
            init_dist(backend, *args, **kwargs)
            return
        set_device = torch.cuda.set_device
        torch.cuda.set_device = _ignore_device
        try:
            init_dist('gloo' if backend == 'nccl' else backend, *args, **kwargs)
        finally:
            torch.cuda.set_device = set_device

    return init


def _ignore_device(device: object) -> None:
    """Stand in for `torch.cuda.set_device` where there is no device to choose."""
