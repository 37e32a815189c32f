"""The image operations of RandAugment on batches of frames."""
import math
from collections.abc import Callable, Sequence
from functools import partial

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

# (frames (U, H, W, 3) uint8, timm's argument where the operation has one, fill=color of what comes from outside) ->
# frames; all are called alike, though only those that move pixels have a use for the color.
Operation = Callable[..., np.ndarray]

_SMOOTH = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]], np.float32) / 13  # Pillow's ImageFilter.SMOOTH
_ALL_VALUES = np.arange(256, dtype=np.uint8)[None, :, None].repeat(3, axis=2)  # (1, 256, 3)
_EPSILON = 1e-4  # of a step: Pillow drops fractions, and float32 may come out just below an integer


def sharpen(frames: np.ndarray, factor: float, fill: Sequence[int] = ()) -> np.ndarray:
    """Scale the difference to a smoothed copy, as `ImageEnhance.Sharpness` does; the outermost pixels stay."""
    sharpened = np.empty_like(frames)
    for frame, out in zip(frames, sharpened, strict=True):
        smooth = frame.copy()
        smooth[1:-1, 1:-1] = cv2.filter2D(frame, -1, _SMOOTH)[1:-1, 1:-1]
        out[:] = np.asarray(Image.blend(Image.fromarray(smooth), Image.fromarray(frame), factor))
    return sharpened


def by_timm(name: str, frames: np.ndarray, *args: float, fill: Sequence[int] = ()) -> np.ndarray:
    """Apply an operation of timm frame by frame, where Pillow is fast enough (0.3 to 0.5 ms for 224 pixels)."""
    from timm.data.auto_augment import NAME_TO_OP  # with all of timm
    return np.stack([np.asarray(NAME_TO_OP[name](Image.fromarray(frame), *args)) for frame in frames])


def posterize(frames: np.ndarray, bits: int, fill: Sequence[int] = ()) -> np.ndarray:
    """Keep the highest bits; none of them is black, which newer Pillows refuse."""
    return frames & np.uint8(256 - (1 << 8 - bits)) if bits else np.zeros_like(frames)


def map_values(name: str, frames: np.ndarray, *args: float, fill: Sequence[int] = ()) -> np.ndarray:
    """Apply an operation of timm in which every value depends on itself only, through a table of all values."""
    from timm.data.auto_augment import NAME_TO_OP
    table = np.asarray(NAME_TO_OP[name](Image.fromarray(_ALL_VALUES), *args))
    return cv2.LUT(frames.reshape(1, -1, 3), table).reshape(frames.shape)


def warp(frames: np.ndarray, matrix: Sequence[float], fill: Sequence[int]) -> np.ndarray:
    """Transform frames (U, H, W, 3) uint8, as `Image.transform` of Pillow does with AFFINE and BICUBIC.

    Places and weights are computed once for all frames, and PyTorch's `embedding_bag` sums, which is several times as
    fast as one frame after the other. Pillow computes in float64; in float32, up to two values in a thousand come out
    one step off. The pixel at (x, y) comes from (a x + b y + c, d x + e y + f); centers are at halves.
    """
    num_frames, height, width, colors = frames.shape
    rows, columns = np.arange(height)[:, None] + 0.5, np.arange(width) + 0.5
    a, b, c, d, e, f = matrix
    x, y = a * columns + b * rows + c, d * columns + e * rows + f  # (H, W)
    places_x, weights_x = _taps(x, width)  # (H*W, 4), or (H*W, 1) where no place lies between two pixels
    places_y, weights_y = _taps(y, height)
    places = (places_y * width)[:, :, None] + places_x[:, None]  # (H*W, 4, 4)
    weights = weights_y[:, :, None] * weights_x[:, None]
    table = torch.from_numpy(frames).permute(1, 2, 0, 3).reshape(height * width, -1).float()  # (H*W, U*3)
    warped = F.embedding_bag(places.flatten(1), table, mode='sum', per_sample_weights=weights.flatten(1))
    warped = warped.add_(_EPSILON).clamp_(0, 255).byte()
    outside = (x < 0) | (x >= width) | (y < 0) | (y >= height)
    warped[torch.from_numpy(outside).flatten()] = torch.tensor(fill, dtype=torch.uint8).repeat(num_frames)
    return warped.view(height, width, num_frames, colors).permute(2, 0, 1, 3).contiguous().numpy()


def _taps(position: np.ndarray, size: int) -> tuple[Tensor, Tensor]:
    """The pixels around each place, the outermost ones repeated, and their weights (Keys' cubic, a = -1)."""
    first = np.floor(position - 0.5)
    t = torch.from_numpy((position - 0.5 - first).reshape(-1, 1)).float()
    places = torch.from_numpy(first.reshape(-1, 1)).int()
    if not t.any():
        return places.clamp_(0, size - 1), torch.ones_like(t)
    weights = torch.cat([t * (-1 + t * (2 - t)), 1 + t * t * (t - 2), t * (1 + t * (1 - t)), t * t * (t - 1)], dim=1)
    return (places + torch.arange(-1, 3, dtype=torch.int32)).clamp_(0, size - 1), weights


def _affine(name: str, frames: np.ndarray, amount: float, fill: Sequence[int]) -> np.ndarray:
    """Shear by a factor, translate by a ratio of the size, or rotate counter-clockwise by degrees about the middle."""
    height, width = frames.shape[1:3]
    cosine, sine = math.cos(-math.radians(amount)), math.sin(-math.radians(amount))
    x, y = width / 2, height / 2
    matrices = {
        'ShearX': (1, amount, 0, 0, 1, 0), 'ShearY': (1, 0, 0, amount, 1, 0),
        'TranslateXRel': (1, 0, amount * width, 0, 1, 0), 'TranslateYRel': (1, 0, 0, 0, 1, amount * height),
        'Rotate': (cosine, sine, x - cosine * x - sine * y, -sine, cosine, y + sine * x - cosine * y)}
    return warp(frames, matrices[name], fill)


# Partials, not closures, which could not be pickled for worker processes.
OPERATIONS: dict[str, Operation] = {
    'Posterize': posterize, 'PosterizeIncreasing': posterize, 'Sharpness': sharpen, 'SharpnessIncreasing': sharpen}
for _function, _names in (
        (by_timm, ('AutoContrast', 'Equalize', 'Contrast', 'ContrastIncreasing', 'Color', 'ColorIncreasing')),
        (map_values, ('Invert', 'Solarize', 'SolarizeIncreasing', 'SolarizeAdd', 'Brightness', 'BrightnessIncreasing')),
        (_affine, ('Rotate', 'ShearX', 'ShearY', 'TranslateXRel', 'TranslateYRel'))):
    OPERATIONS |= {name: partial(_function, name) for name in _names}
