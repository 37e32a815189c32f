"""Shearing, shifting and turning all frames of a clip at once."""
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

_OPEN_SHARE = 1e-4  # of a step of brightness: Pillow drops fractions, and float32 may come out just below a whole step


def warp(frames: np.ndarray, matrix: Sequence[float], fill: Sequence[int]) -> np.ndarray:
    """Look up every pixel at another place, as `Image.transform` of Pillow does with AFFINE and BICUBIC.

    The places and weights are computed once for all frames, and the weighted sums are PyTorch's `embedding_bag`, which
    is several times as fast as one frame after the other. Pillow computes in float64; in float32, up to two values in a
    thousand come out one step off.

    Args:
        frames: (U, H, W, 3) uint8.
        matrix: a, b, c, d, e, f: the pixel at (x, y) comes from (a x + b y + c, d x + e y + f), pixels having their
            centres at halves.
        fill: colour of what comes from outside the picture.
    Returns: (U, H, W, 3) uint8.
    """
    num_frames, height, width, colours = frames.shape
    rows, columns = np.arange(height)[:, None] + 0.5, np.arange(width) + 0.5
    a, b, c, d, e, f = matrix
    x, y = a * columns + b * rows + c, d * columns + e * rows + f  # (H, W)
    places_x, weights_x = _taps(x, width)  # (H*W, 4), or (H*W, 1) where no place lies between two pixels
    places_y, weights_y = _taps(y, height)
    places = (places_y * width)[:, :, None] + places_x[:, None]  # (H*W, 4, 4)
    weights = weights_y[:, :, None] * weights_x[:, None]
    table = torch.from_numpy(frames).permute(1, 2, 0, 3).reshape(height * width, -1).float()  # (H*W, U*3)
    warped = F.embedding_bag(places.flatten(1), table, mode='sum', per_sample_weights=weights.flatten(1))
    warped = warped.add_(_OPEN_SHARE).clamp_(0, 255).byte()
    outside = (x < 0) | (x >= width) | (y < 0) | (y >= height)
    warped[torch.from_numpy(outside).flatten()] = torch.tensor(fill, dtype=torch.uint8).repeat(num_frames)
    return warped.view(height, width, num_frames, colours).permute(2, 0, 1, 3).contiguous().numpy()


def _taps(position: np.ndarray, size: int) -> tuple[Tensor, Tensor]:
    """The pixels that each place lies between, the outermost ones repeated, and their weights (Keys' cubic, a = -1)."""
    first = np.floor(position - 0.5)
    t = torch.from_numpy((position - 0.5 - first).reshape(-1, 1)).float()
    places = torch.from_numpy(first.reshape(-1, 1)).int()
    if not t.any():
        return places.clamp_(0, size - 1), torch.ones_like(t)
    weights = torch.cat([t * (-1 + t * (2 - t)), 1 + t * t * (t - 2), t * (1 + t * (1 - t)), t * t * (t - 1)], dim=1)
    return (places + torch.arange(-1, 3, dtype=torch.int32)).clamp_(0, size - 1), weights
