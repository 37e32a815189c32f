"""Patches of distributed training: CPUs, data loader workers, synchronized batch norm."""
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing.queues import Queue
from unittest.mock import patch

import torch
from mmengine.dist import utils
from mmengine.model import MMDistributedDataParallel
from torch import Tensor, nn
from torch._utils import ExceptionWrapper
from torch.distributed import ProcessGroup, get_world_size, is_initialized
from torch.distributed.nn.functional import all_reduce
from torch.nn import SyncBatchNorm
from torch.nn.functional import batch_norm
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import get_worker_info

from claip_emo_mm.compat import replace_method


def patch_launch() -> None:
    """Let `init_dist` start on machines without CUDA.

    MMEngine 0.10.7 always calls `torch.cuda.set_device`, and MMAction2's configs ask for nccl. Shows as `module
    'torch._C' has no attribute '_cuda_setDevice'` or `Found no NVIDIA driver`, then as `ProcessGroupNCCL is only
    supported with GPUs`. Without CUDA no device is set, and gloo replaces nccl. Can go when the functions check for it.
    """
    for name in ('_init_dist_pytorch', '_init_dist_mpi', '_init_dist_slurm'):
        replace_method(utils, name)(_without_cuda)


def _without_cuda(init_dist: Callable[..., None], backend: str, *args: object, **kwargs: object) -> None:
    if torch.cuda.is_available():
        init_dist(backend, *args, **kwargs)
        return
    with patch.object(torch.cuda, 'set_device', lambda device: None):
        init_dist('gloo' if backend == 'nccl' else backend, *args, **kwargs)


def patch_data_parallel() -> None:
    """Let DistributedDataParallel take a model on the CPU.

    MMEngine 0.10.7's Runner and DDPStrategy always pass `device_ids=[LOCAL_RANK]`. Shows as `DistributedDataParallel
    device_ids and output_device arguments only work with ... GPU modules`. Can go when only accelerators get them.
    """
    @replace_method(MMDistributedDataParallel, '__init__')
    def init(original: Callable[..., None], self: MMDistributedDataParallel, module: nn.Module, *args: object,
             device_ids: list | None = None, **kwargs: object) -> None:
        on_cpu = all(parameter.device.type == 'cpu' for parameter in module.parameters())
        original(self, module, *args, device_ids=None if on_cpu else device_ids, **kwargs)


def patch_worker_queues() -> None:
    """Let a data loader raise the error of a worker that cannot hand a batch over.

    The thread that puts batches into shared memory prints its errors and drops the batch, and torch 2.14 waits for it
    forever. Shows with MMEngine's `pseudo_collate` on a full /dev/shm, with too many open files, and with batches that
    cannot be pickled. In a worker the error now takes the batch's place in the queue. Can go when torch does that.
    """
    @replace_method(Queue, '_on_queue_feeder_error')
    def on_error(original: Callable[..., None], self: Queue, error: Exception, item: object) -> None:
        worker = get_worker_info()
        if worker is None or not isinstance(item, tuple) or len(item) != 2:
            original(error, item)
            return
        self.put((item[0], ExceptionWrapper((type(error), error, error.__traceback__),
                                            where=f'in DataLoader worker process {worker.id}')))


def patch_batch_norm() -> None:
    """Let `sync_bn = 'torch'` work on the CPU, where the statistics are computed here.

    torch's SyncBatchNorm is written for accelerators. Shows as `SyncBatchNorm layers only work with GPU modules`, then
    as `SyncBatchNorm expected input tensor to be on GPU`. Can go when torch supports the CPU.
    """
    @replace_method(SyncBatchNorm, 'forward')
    def forward(original: Callable[..., Tensor], self: SyncBatchNorm, x: Tensor) -> Tensor:
        return _normalize(self, x) if x.device.type == 'cpu' else original(self, x)

    @replace_method(DistributedDataParallel, '_passing_sync_batchnorm_handle')
    def check(original: Callable[..., None], self: DistributedDataParallel, module: nn.Module) -> None:
        if any(parameter.device.type != 'cpu' for parameter in module.parameters()):
            original(self, module)


def _normalize(norm: SyncBatchNorm, x: Tensor) -> Tensor:
    """Normalize (B, C, ...) with the mean and variance of each channel over all ranks, which may differ in B."""
    tracked = norm.running_mean is not None
    of_batch = norm.training or not tracked
    if norm.training and tracked:
        norm.num_batches_tracked.add_(1)
    momentum = norm.momentum if norm.momentum is not None else 1 / max(int(norm.num_batches_tracked or 0), 1)
    if not of_batch or not is_initialized() or get_world_size(norm.process_group) == 1:
        return batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias, of_batch, momentum, norm.eps)
    dims = [0, *range(2, x.ndim)]
    shape = (1, -1, *[1] * (x.ndim - 2))
    values = x.float()
    count = _total(values.new_tensor([x.numel() / x.shape[1]]), norm.process_group)
    mean = _total(values.sum(dims), norm.process_group) / count  # (C,)
    centered = values - mean.view(shape)
    variance = _total(centered.square().sum(dims), norm.process_group) / count
    if norm.training and tracked:
        with torch.no_grad():
            norm.running_mean.lerp_(mean.to(norm.running_mean.dtype), momentum)
            unbiased = variance * count / (count - 1).clamp(min=1)
            norm.running_var.lerp_(unbiased.to(norm.running_var.dtype), momentum)
    y = centered * (variance + norm.eps).rsqrt().view(shape)
    if norm.affine:
        y = y * norm.weight.view(shape) + norm.bias.view(shape)
    return y.to(x.dtype)


def _total(value: Tensor, group: ProcessGroup | None) -> Tensor:
    """Differentiable sum over all ranks."""
    return all_reduce(value, group=group or torch.distributed.group.WORLD)


@contextmanager
def without_statistics(network: nn.Module) -> Iterator[None]:
    """Let a network in training normalize as in evaluation; synchronized norms join the exchange with no clip."""
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm) and module.training]
    for norm in norms:
        if isinstance(norm, SyncBatchNorm) and is_initialized() and get_world_size(norm.process_group) > 1:
            norm.forward = partial(_normalize_apart, norm)
        else:
            norm.eval()
    try:
        yield
    finally:
        for norm in norms:
            vars(norm).pop('forward', None)
            norm.train()


def _normalize_apart(norm: SyncBatchNorm, x: Tensor) -> Tensor:
    """Normalize x (B, C, ...) by the running statistics, and let the other ranks compute theirs without it."""
    statistics = [buffer for buffer in (norm.running_mean, norm.running_var) if buffer is not None]
    before = [buffer.clone() for buffer in statistics]
    empty = SyncBatchNorm.forward(norm, x[:0])
    for buffer, old in zip(statistics, before, strict=True):
        buffer.copy_(torch.where(buffer.isfinite(), buffer, old))  # not finite where no rank has a clip
    y = batch_norm(x, *before, norm.weight, norm.bias, False, 0., norm.eps) if before else x
    return y + 0 * empty.sum()  # the exchange has a backward pass, too
