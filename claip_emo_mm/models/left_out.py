"""What a clip lacks has the index -1: gathering it, and what its feature is."""
import torch
from torch import Tensor


def gather(items: Tensor, index: Tensor) -> Tensor:
    """Gather items by index, and zeros where the index is ``LEFT_OUT``.

    Args:
        items: (n, ...).
        index: integers of any shape, ``LEFT_OUT`` (-1) to n - 1.
    Returns: (*index.shape, ...).
    """
    return torch.cat([items, items.new_zeros(1, *items.shape[1:])])[index]  # -1 is the last one


def blank_where(left_out: Tensor, features: Tensor) -> Tensor:
    """Replace the features (B, ...) of clips by zeros where `left_out` (B,) is true; no gradient passes there."""
    return features.masked_fill(left_out.view(-1, *[1] * (features.ndim - 1)), 0)

