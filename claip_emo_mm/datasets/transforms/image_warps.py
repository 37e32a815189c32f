"""Bicubic warps of batches of frames, as Pillow computes them."""
import math
from collections.abc import Sequence

import cv2
import numpy as np
import torch
import torch.nn.functional as F

EPSILON = 1e-4  # of a step: Pillow drops fractions, and float32 may come out just below an integer
_PIXELS = 8192  # at a time, for small temporaries
_FRAMES = 32  # at a time: OpenCV 5 merges up to 128 channels


def shear_x(frames: np.ndarray, factor: float, fill: Sequence[int]) -> np.ndarray:
    """Shear by a factor: the row at y comes from `factor * y` to the right."""
    return _shift_rows(frames, factor * _centers(frames.shape[1]), fill)


def shear_y(frames: np.ndarray, factor: float, fill: Sequence[int]) -> np.ndarray:
    """Shear by a factor: the column at x comes from `factor * x` below."""
    return _transpose(shear_x(_transpose(frames), factor, fill))


def translate_x(frames: np.ndarray, ratio: float, fill: Sequence[int]) -> np.ndarray:
    """Translate to the left by a ratio of the width."""
    return _shift_rows(frames, np.full(frames.shape[1], ratio * frames.shape[2]), fill)


def translate_y(frames: np.ndarray, ratio: float, fill: Sequence[int]) -> np.ndarray:
    """Translate upwards by a ratio of the height."""
    return _transpose(translate_x(_transpose(frames), ratio, fill))


def rotate(frames: np.ndarray, degrees: float, fill: Sequence[int]) -> np.ndarray:
    """Rotate counter-clockwise about the middle."""
    x, y = frames.shape[2] / 2, frames.shape[1] / 2
    cosine, sine = math.cos(-math.radians(degrees)), math.sin(-math.radians(degrees))
    return warp(frames, (cosine, sine, x - cosine * x - sine * y, -sine, cosine, y + sine * x - cosine * y), fill)


def warp(frames: np.ndarray, matrix: Sequence[float], fill: Sequence[int]) -> np.ndarray:
    """Transform frames (U, H, W, 3) uint8, as `Image.transform` of Pillow does with AFFINE and BICUBIC.

    Places and weights are computed once for all frames, and PyTorch's `embedding_bag` sums, which is several times as
    fast as one frame after the other. Pillow computes in float64; in float32, up to two values in a thousand come out
    one step off. The pixel at (x, y) comes from (a x + b y + c, d x + e y + f); centers are at halves.
    """
    if len(frames) > _FRAMES:
        return np.concatenate([warp(frames[first:first + _FRAMES], matrix, fill)
                               for first in range(0, len(frames), _FRAMES)])
    num_frames, height, width, _ = frames.shape
    a, b, c, d, e, f = matrix
    table = torch.from_numpy(cv2.merge(list(frames))).view(height * width, -1).float()  # (H*W, U*3)
    warped, outside = np.empty(table.shape, np.uint8), np.tile(np.array(fill, np.float32), num_frames)
    step = max(1, _PIXELS // width)
    for first in range(0, height, step):
        columns, rows = _centers(width), _centers(height)[first:first + step, None]
        x, y = (a * columns + b * rows + c).ravel(), (d * columns + e * rows + f).ravel()
        places_x, weights_x = _taps(x, width)  # (4, N), N pixels
        places_y, weights_y = _taps(y, height)
        places = (places_y * width)[:, None] + places_x  # (4, 4, N)
        weights = weights_y[:, None] * weights_x
        places, weights = (torch.from_numpy(taps.reshape(16, -1)).t().contiguous() for taps in (places, weights))
        pixels = F.embedding_bag(places, table, mode='sum', per_sample_weights=weights)  # (N, U*3)
        pixels = pixels.add_(EPSILON).clamp_(0, 255).numpy()
        pixels[(x < 0) | (x >= width) | (y < 0) | (y >= height)] = outside
        warped[first * width:first * width + len(x)] = pixels
    planes = cv2.split(warped.reshape(height, width, -1))  # U*3 of (H, W)
    return np.stack([cv2.merge(planes[first:first + 3]) for first in range(0, len(planes), 3)])


def _shift_rows(frames: np.ndarray, shifts: np.ndarray, fill: Sequence[int]) -> np.ndarray:
    """Warp frames (U, H, W, 3) whose row y comes from `shifts[y]` pixels to the right: one filter for each row."""
    num_frames, height, width, _ = frames.shape
    nearest, before = np.floor(shifts + 0.5).astype(int), np.floor(shifts).astype(int)
    kernels = _cubic(shifts - before).T  # (H, 4)
    shifted = np.empty_like(frames)
    shifted.reshape(-1, width * 3)[:] = np.tile(fill, width)
    for rows in [slice(None)] if (shifts == shifts[0]).all() else [slice(row, row + 1) for row in range(height)]:
        row = rows.start or 0
        start, stop = max(0, -nearest[row]), min(width, width - nearest[row])
        if start >= stop:
            continue
        # of the four pixels around a place, the second or the third is the nearest
        filtered = cv2.filter2D(
            frames[:, rows].reshape(-1, width, 3), -1, kernels[row:row + 1], anchor=(1 + nearest[row] - before[row], 0),
            delta=EPSILON - 0.5, borderType=cv2.BORDER_REPLICATE)
        shifted[:, rows, start:stop] = filtered[:, start + nearest[row]:stop + nearest[row]].reshape(
            num_frames, -1, stop - start, 3)
    return shifted


def _transpose(frames: np.ndarray) -> np.ndarray:
    return np.stack([cv2.transpose(frame) for frame in frames])  # (U, W, H, 3)


def _centers(size: int) -> np.ndarray:
    return np.arange(size) + 0.5


def _taps(position: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The four pixels around each place (N,), the outermost ones repeated, and their weights; both (4, N)."""
    before = np.floor(position - 0.5)
    places = before.astype(np.int32) + np.arange(-1, 3, dtype=np.int32)[:, None]
    return places.clip(0, size - 1), _cubic(position - 0.5 - before)


def _cubic(t: np.ndarray) -> np.ndarray:
    """Keys' cubic with a = -1: weights (4, N) float32 of the pixels around places t (N,), 0 to 1 behind the second."""
    t = t.astype(np.float32)
    return np.stack([t * (-1 + t * (2 - t)), 1 + t * t * (t - 2), t * (1 + t * (1 - t)), t * t * (t - 1)])
