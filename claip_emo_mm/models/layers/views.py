"""Distinct frames and the views made of them; encoding in chunks."""
import torch
from torch import Tensor, nn

from claip_emo_mm.compat.distributed import without_statistics
from claip_emo_mm.errors import InputError
from claip_emo_mm.models.layers.cpu_ops import is_recorded
from claip_emo_mm.structures import MISSING_INDEX


class ExpandedViews:
    """Items of one modality, one for each place of the index; clips are mixed in pairs: first and last, and so on.

    Args:
        distinct: (n, ...) frames or spectrograms, n > 0.
        index: (B, V, T) or (B, V) into them; ``MISSING_INDEX`` in all places of clips that lack the modality.
    Attributes:
        items: (B, V*T, ...); those of clips that lack the modality are without meaning.
        incomplete: whether some clip lacks it.
        shared: (B,) whether a clip and its partner both have it.
    """

    def __init__(self, distinct: Tensor, index: Tensor) -> None:
        self.index = index
        self.items = distinct[index.flatten()].unflatten(0, (len(index), -1))
        self.present = index.flatten(1)[:, 0] != MISSING_INDEX  # (B,)
        self.incomplete = not bool(self.present.all())
        self.shared = self.present & self.present.flip(0)
        self._unmixed = self.items[~self.shared] if self.incomplete else None

    def join(self) -> tuple[Tensor, Tensor]:
        """Give back what `distinct` and `index` were, every place with an item of its own.

        Clips whose partner lacks the modality have it as it was.
        """
        if not self.incomplete:
            numbers = torch.arange(self.index.numel(), device=self.index.device)
            return self.items.flatten(0, 1), numbers.view_as(self.index)
        self.items[~self.shared] = self._unmixed
        items = self.items[self.present].flatten(0, 1)
        index = torch.full_like(self.index, MISSING_INDEX)
        index[self.present] = torch.arange(len(items), device=index.device).view(-1, *index.shape[1:])
        return items, index


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
                         'is one tensor. Wrap it in ImageBackboneWrapper, VideoBackboneWrapper or '
                         'AudioBackboneWrapper: '
                         f"dict(type='ImageBackboneWrapper', backbone=dict(type='{network}', ...)).")
    return features if neck is None else neck(features)
