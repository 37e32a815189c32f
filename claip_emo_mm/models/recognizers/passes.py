"""Running a backbone over the distinct items of a batch."""
import torch
from torch import Tensor, nn

from claip_emo_mm.errors import InputError
from claip_emo_mm.host.batch_norm import without_statistics
from claip_emo_mm.models.matrix_product import is_recorded

# On a CPU more at once takes longer: the tensors are then so large (32 MB) that glibc maps their memory anew each time.
_CPU_PASS = 16


def encode(backbone: nn.Module, neck: nn.Module | None, items: Tensor, largest_pass: int | None) -> Tensor:
    """Encode items one by one: in evaluation in passes of a bounded size, in training in one.

    Of a batch that has none a blank one is encoded, which nobody reads: all processes then do the same, and what is
    trained gets its gradients, of 0. Statistics of batch norms do not follow it.

    Args:
        backbone: Maps items (n, ...) to features (n, ...).
        neck: Behind it; None for nothing.
        items: (n, ...) frames, views or spectrograms; n may be 0.
        largest_pass: Items of a pass in evaluation, on a CPU at most 16; None for all.
    Returns: features (max(n, 1), ...).
    Raises:
        InputError: the backbone gives something else than a tensor.
    """
    if is_recorded():  # with a number of items that may differ later
        return _run(backbone, neck, items)
    if not len(items):
        with without_statistics(backbone):
            return _run(backbone, neck, items.new_zeros(1, *items.shape[1:]))
    if items.device.type == 'cpu' and largest_pass is not None:
        largest_pass = min(largest_pass, _CPU_PASS)
    if backbone.training or largest_pass is None or len(items) <= largest_pass:
        return _run(backbone, neck, items)
    return torch.cat([_run(backbone, neck, part) for part in items.split(largest_pass)])


def _run(backbone: nn.Module, neck: nn.Module | None, items: Tensor) -> Tensor:
    features = backbone(items)
    if not isinstance(features, Tensor):
        network = type(backbone).__name__
        raise InputError(f'AudioVisualRecognizer: the backbone {network} gives a {type(features).__name__}; expected '
                         'is one tensor. Wrap it in FrameWiseBackbone, ClipWiseBackbone or SpectrogramBackbone: '
                         f"dict(type='FrameWiseBackbone', backbone=dict(type='{network}', ...)).")
    return features if neck is None else neck(features)
