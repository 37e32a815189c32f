"""Batch norm over the clips of all processes, also where they have no GPU."""
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial, wraps

import torch
from torch import Tensor, nn
from torch.distributed import ProcessGroup, get_world_size, is_initialized
from torch.distributed.nn.functional import all_reduce
from torch.nn import SyncBatchNorm
from torch.nn.functional import batch_norm
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parallel import DistributedDataParallel


def repair_batch_norm() -> None:
    """Let `sync_bn = 'torch'` work on the CPU.

    torch's SyncBatchNorm is written for accelerators. Shows as `SyncBatchNorm layers only work with GPU modules`, and
    then as `SyncBatchNorm expected input tensor to be on GPU`. On the CPU the statistics are computed here, and
    DistributedDataParallel does not refuse the layer; elsewhere nothing changes. Can go when torch does it.
    """
    host_forward = SyncBatchNorm.forward
    host_check = DistributedDataParallel._passing_sync_batchnorm_handle

    @wraps(host_forward)
    def forward(self: SyncBatchNorm, x: Tensor) -> Tensor:
        return _normalise(self, x) if x.device.type == 'cpu' else host_forward(self, x)

    @wraps(host_check)
    def check(self: DistributedDataParallel, module: nn.Module) -> None:
        if any(parameter.device.type != 'cpu' for parameter in module.parameters()):
            host_check(self, module)

    SyncBatchNorm.forward = forward
    DistributedDataParallel._passing_sync_batchnorm_handle = check


def _normalise(norm: SyncBatchNorm, x: Tensor) -> Tensor:
    """Normalise (B, C, ...) with the mean and variance of each channel over all processes, which may differ in B."""
    tracked = norm.running_mean is not None
    if not (norm.training or not tracked) or not is_initialized() or get_world_size(norm.process_group) == 1:
        if norm.training and tracked:
            norm.num_batches_tracked.add_(1)
        momentum = norm.momentum if norm.momentum is not None else 1 / max(int(norm.num_batches_tracked or 0), 1)
        return batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias,
                          norm.training or not tracked, momentum, norm.eps)
    dims = [0, *range(2, x.ndim)]
    shape = (1, -1, *[1] * (x.ndim - 2))
    values = x.float()
    count = _total(values.new_tensor([x.numel() / x.shape[1]]), norm.process_group)
    mean = _total(values.sum(dims), norm.process_group) / count  # (C,)
    centred = values - mean.view(shape)
    variance = _total(centred.square().sum(dims), norm.process_group) / count
    if norm.training and tracked:
        with torch.no_grad():
            norm.num_batches_tracked.add_(1)
            momentum = norm.momentum if norm.momentum is not None else 1 / float(norm.num_batches_tracked)
            norm.running_mean.lerp_(mean.to(norm.running_mean.dtype), momentum)
            unbiased = variance * count / (count - 1).clamp(min=1)
            norm.running_var.lerp_(unbiased.to(norm.running_var.dtype), momentum)
    y = centred * (variance + norm.eps).rsqrt().view(shape)
    if norm.affine:
        y = y * norm.weight.view(shape) + norm.bias.view(shape)
    return y.to(x.dtype)


def _total(value: Tensor, group: ProcessGroup | None) -> Tensor:
    """The sum over all processes; gradients flow back to each."""
    return all_reduce(value, group=group or torch.distributed.group.WORLD)


@contextmanager
def without_statistics(network: nn.Module) -> Iterator[None]:
    """Let the batch norms of a network normalise as in evaluation, while the network as a whole stays in training.

    Those over the clips of all processes take part in the others' exchange, with no clip of their own; where no process
    has one, their running statistics stay.
    """
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm) and module.training]
    exchanging = [norm for norm in norms if isinstance(norm, SyncBatchNorm) and is_initialized()
                  and get_world_size(norm.process_group) > 1]
    for norm in norms:
        if norm in exchanging:
            norm.forward = partial(_normalise_apart, norm)
        else:
            norm.eval()
    try:
        yield
    finally:
        for norm in norms:
            vars(norm).pop('forward', None)
            norm.train()


def _normalise_apart(norm: SyncBatchNorm, x: Tensor) -> Tensor:
    """Normalise x (B, C, ...) by the running statistics, and let the other processes find theirs without it."""
    statistics = [buffer for buffer in (norm.running_mean, norm.running_var) if buffer is not None]
    before = [buffer.clone() for buffer in statistics]
    nothing = SyncBatchNorm.forward(norm, x[:0])
    for buffer, old in zip(statistics, before, strict=True):
        buffer.copy_(torch.where(buffer.isfinite(), buffer, old))  # of 0 clips, where no process has one
    y = batch_norm(x, *before, norm.weight, norm.bias, False, 0., norm.eps) if before else x
    return y + 0 * nothing.sum()  # the exchange has a backward pass, too
