"""The views of a batch with frames or sound of their own, which can be changed one by one."""
import torch
from torch import Tensor

from claip_emo_mm.datasets.left_out import LEFT_OUT


class WrittenOutViews:
    """Items of one modality, one for each place of the index; clips are mixed in pairs: first and last, and so on.

    Args:
        distinct: (n, ...) frames or spectrograms, n > 0.
        index: (B, V, T) or (B, V) into them; ``LEFT_OUT`` in all places of clips that lack the modality.
    Attributes:
        items: (B, V*T, ...); those of clips that lack the modality are without meaning.
        incomplete: whether some clip lacks it.
        shared: (B,) whether a clip and its partner both have it.
    """

    def __init__(self, distinct: Tensor, index: Tensor) -> None:
        self.index = index
        self.items = distinct[index.flatten()].unflatten(0, (len(index), -1))
        self.present = index.flatten(1)[:, 0] != LEFT_OUT  # (B,)
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
        index = torch.full_like(self.index, LEFT_OUT)
        index[self.present] = torch.arange(len(items), device=index.device).view(-1, *index.shape[1:])
        return items, index
