"""Running a backbone over the distinct items of a batch."""
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.dist import get_world_size
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from claip_emo_mm.errors import InputError
from claip_emo_mm.models.matrix_product import is_recorded


def encode(backbone: nn.Module, neck: nn.Module | None, items: Tensor, largest_pass: int | None) -> Tensor:
    """Encode items one by one: in evaluation in passes of a bounded size, in training in one.

    Of a batch that has none a blank one is encoded, which nobody reads: all processes then do the same, and what is
    trained gets its gradients, of 0. Statistics of batch norms do not follow it.

    Args:
        backbone: Maps items (n, ...) to features (n, ...).
        neck: Behind it; None for nothing.
        items: (n, ...) frames, views or spectrograms; n may be 0.
        largest_pass: Items of a pass in evaluation; None for all.
    Returns: features (max(n, 1), ...).
    Raises:
        InputError: There are none, in training, and a batch norm of the other processes waits for them.
    """
    if is_recorded():  # with a number of items that may differ later
        return _run(backbone, neck, items)
    if not len(items):
        with _resting_batch_norms(backbone):
            return _run(backbone, neck, items.new_zeros(1, *items.shape[1:]))
    if backbone.training or largest_pass is None or len(items) <= largest_pass:
        return _run(backbone, neck, items)
    return torch.cat([_run(backbone, neck, part) for part in items.split(largest_pass)])


def _run(backbone: nn.Module, neck: nn.Module | None, items: Tensor) -> Tensor:
    features = backbone(items)
    return features if neck is None else neck(features)


@contextmanager
def _resting_batch_norms(network: nn.Module) -> Iterator[None]:
    """Let the batch norms of a network compute as in evaluation."""
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm) and module.training]
    if any(isinstance(norm, nn.SyncBatchNorm) for norm in norms) and get_world_size() > 1:
        raise InputError(f'no clip of a batch has what {type(network).__name__} reads, and the batch norm of the other '
                         "processes would wait for ever. Take sync_bn='torch' out of the config, or make the batches "
                         'larger.')
    for norm in norms:
        norm.eval()
    try:
        yield
    finally:
        for norm in norms:
            norm.train()
