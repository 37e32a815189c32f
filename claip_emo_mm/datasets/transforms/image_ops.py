"""The image operations of RandAugment on batches of frames."""
import math
from collections.abc import Callable, Sequence
from functools import partial

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from timm.data.auto_augment import NAME_TO_OP
from torch import Tensor

_SMOOTH = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]], np.float32) / 13  # Pillow's ImageFilter.SMOOTH


def sharpen(frames: np.ndarray, factor: float) -> np.ndarray:
    """Scale the distance to a smoothed copy, as `ImageEnhance.Sharpness` does; the outermost pixels stay.

    Args:
        frames: (U, H, W, 3) uint8.
        factor: 0 for the smoothed copy, 1 for no change, more for sharper.
    Returns: (U, H, W, 3) uint8.
    """
    sharpened = np.empty_like(frames)
    for frame, out in zip(frames, sharpened, strict=True):
        smooth = frame.copy()
        smooth[1:-1, 1:-1] = cv2.filter2D(frame, -1, _SMOOTH)[1:-1, 1:-1]
        out[:] = np.asarray(Image.blend(Image.fromarray(smooth), Image.fromarray(frame), factor))
    return sharpened


_EVERY_BRIGHTNESS = np.arange(256, dtype=np.uint8)[None, :, None].repeat(3, axis=2)  # (1, 256, 3)


def apply_to_every_brightness(operation: Callable[..., Image.Image], frames: np.ndarray, *args: float) -> np.ndarray:
    """Apply an operation on frames in which a pixel's result depends on its own brightness only.

    Args:
        operation: takes a frame and `args`; it is called once, with a frame of every brightness.
        frames: (U, H, W, 3) uint8.
    Returns: (U, H, W, 3) uint8.
    """
    table = np.asarray(operation(Image.fromarray(_EVERY_BRIGHTNESS), *args))
    return _look_up(frames.reshape(1, -1, 3), table).reshape(frames.shape)


def stretch_contrast(frames: np.ndarray) -> np.ndarray:
    """Bring the darkest and the lightest value of each color of each frame to 0 and 255, as `ImageOps.autocontrast`.

    Args:
        frames: (U, H, W, 3) uint8.
    """
    return np.stack([_look_up(frame, _stretching(frame)) for frame in frames])


def equalize_histograms(frames: np.ndarray) -> np.ndarray:
    """Spread the values of each color of each frame evenly, as `ImageOps.equalize` does.

    Args:
        frames: (U, H, W, 3) uint8.
    """
    return np.stack([_look_up(frame, _equalizing(frame)) for frame in frames])


def scale_contrast(frames: np.ndarray, factor: float) -> np.ndarray:
    """Scale the distance to each frame's mean brightness, as `ImageEnhance.Contrast` does.

    Args:
        frames: (U, H, W, 3) uint8.
        factor: 0 for an even gray, 1 for no change.
    """
    everything = Image.fromarray(_EVERY_BRIGHTNESS)
    changed = []
    for frame in frames:
        gray = np.asarray(Image.fromarray(frame).convert('L'))
        mean = int(gray.mean() + 0.5)
        even = Image.new('RGB', everything.size, (mean, mean, mean))
        changed.append(_look_up(frame, np.asarray(Image.blend(even, everything, factor))))
    return np.stack(changed)


def _look_up(frame: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Replace the values of (H, W, 3) by a table (1, 256, 3) uint8 of each color."""
    return cv2.LUT(frame, table)


def _stretching(frame: np.ndarray) -> np.ndarray:
    table = np.empty_like(_EVERY_BRIGHTNESS)
    every = np.arange(256)
    for color, plane in enumerate(cv2.split(frame)):
        low, high, _, _ = cv2.minMaxLoc(plane)
        scale = 255.0 / (high - low) if high > low else 1.0
        offset = -low * scale if high > low else 0.0
        table[0, :, color] = np.clip(every * scale + offset, 0, 255)  # drops fractions
    return table


def _equalizing(frame: np.ndarray) -> np.ndarray:
    table = _EVERY_BRIGHTNESS.copy()
    for color in range(3):
        counts = cv2.calcHist([frame], [color], None, [256], [0, 256])[:, 0].astype(np.int64)  # (256,)
        found = counts[counts > 0]
        step = (found.sum() - found[-1]) // 255
        if len(found) > 1 and step:
            darker = np.cumsum(counts) - counts
            table[0, :, color] = np.minimum((step // 2 + darker) // step, 255)
    return table


_OPEN_RATIO = 1e-4  # of a step of brightness: Pillow drops fractions, and float32 may come out just below a whole step


def warp(frames: np.ndarray, matrix: Sequence[float], fill: Sequence[int]) -> np.ndarray:
    """Look up every pixel at another place, as `Image.transform` of Pillow does with AFFINE and BICUBIC.

    The places and weights are computed once for all frames, and the weighted sums are PyTorch's `embedding_bag`, which
    is several times as fast as one frame after the other. Pillow computes in float64; in float32, up to two values in a
    thousand come out one step off.

    Args:
        frames: (U, H, W, 3) uint8.
        matrix: a, b, c, d, e, f: the pixel at (x, y) comes from (a x + b y + c, d x + e y + f), pixels having their
            centres at halves.
        fill: color of what comes from outside the frame.
    Returns: (U, H, W, 3) uint8.
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
    warped = warped.add_(_OPEN_RATIO).clamp_(0, 255).byte()
    outside = (x < 0) | (x >= width) | (y < 0) | (y >= height)
    warped[torch.from_numpy(outside).flatten()] = torch.tensor(fill, dtype=torch.uint8).repeat(num_frames)
    return warped.view(height, width, num_frames, colors).permute(2, 0, 1, 3).contiguous().numpy()


def _taps(position: np.ndarray, size: int) -> tuple[Tensor, Tensor]:
    """The pixels that each place lies between, the outermost ones repeated, and their weights (Keys' cubic, a = -1)."""
    first = np.floor(position - 0.5)
    t = torch.from_numpy((position - 0.5 - first).reshape(-1, 1)).float()
    places = torch.from_numpy(first.reshape(-1, 1)).int()
    if not t.any():
        return places.clamp_(0, size - 1), torch.ones_like(t)
    weights = torch.cat([t * (-1 + t * (2 - t)), 1 + t * t * (t - 2), t * (1 + t * (1 - t)), t * t * (t - 1)], dim=1)
    return (places + torch.arange(-1, 3, dtype=torch.int32)).clamp_(0, size - 1), weights


# (frames (U, H, W, 3) uint8, timm's argument where the operation has one, fill=color) -> frames
Operation = Callable[..., np.ndarray]


def _shear_x(frames: np.ndarray, factor: float, fill: Sequence[int]) -> np.ndarray:
    return warp(frames, (1, factor, 0, 0, 1, 0), fill)


def _shear_y(frames: np.ndarray, factor: float, fill: Sequence[int]) -> np.ndarray:
    return warp(frames, (1, 0, 0, factor, 1, 0), fill)


def _translate_x(frames: np.ndarray, ratio: float, fill: Sequence[int]) -> np.ndarray:
    return warp(frames, (1, 0, ratio * frames.shape[2], 0, 1, 0), fill)


def _translate_y(frames: np.ndarray, ratio: float, fill: Sequence[int]) -> np.ndarray:
    return warp(frames, (1, 0, 0, 0, 1, ratio * frames.shape[1]), fill)


def _rotate(frames: np.ndarray, degrees: float, fill: Sequence[int]) -> np.ndarray:
    """Turn about the middle, counter-clockwise, as `Image.rotate` does."""
    height, width = frames.shape[1:3]
    cosine, sine = math.cos(-math.radians(degrees)), math.sin(-math.radians(degrees))
    x, y = width / 2, height / 2
    return warp(frames, (cosine, sine, x - cosine * x - sine * y, -sine, cosine, y + sine * x - cosine * y), fill)


def _posterize(frames: np.ndarray, bits: int, fill: Sequence[int]) -> np.ndarray:
    """Keep the highest bits; none of them is black, which newer Pillows refuse."""
    return frames & np.uint8(256 - (1 << 8 - bits)) if bits else np.zeros_like(frames)


def _use_table(name: str, frames: np.ndarray, *args: float, fill: Sequence[int]) -> np.ndarray:
    """An operation of timm whose result depends on a pixel's own brightness only."""
    return apply_to_every_brightness(NAME_TO_OP[name], frames, *args)


def _mix_colors(frames: np.ndarray, factor: float, fill: Sequence[int]) -> np.ndarray:
    """Scale the distance to gray; this has no table, and is fast enough frame by frame."""
    return np.stack([np.asarray(NAME_TO_OP['Color'](Image.fromarray(frame), factor)) for frame in frames])


def _without_fill(function: Callable[..., np.ndarray], frames: np.ndarray, *args: float,
                  fill: Sequence[int]) -> np.ndarray:
    return function(frames, *args)


# Partials, not closures, which worker processes could not be sent.
OPERATIONS: dict[str, Operation] = {
    'AutoContrast': partial(_without_fill, stretch_contrast),
    'Equalize': partial(_without_fill, equalize_histograms),
    'Posterize': _posterize,
    'PosterizeIncreasing': _posterize,
    'Rotate': _rotate,
    'ShearX': _shear_x,
    'ShearY': _shear_y,
    'TranslateXRel': _translate_x,
    'TranslateYRel': _translate_y,
    **{name: partial(_use_table, name) for name in ('Invert', 'Solarize', 'SolarizeIncreasing', 'SolarizeAdd',
                                                    'Brightness', 'BrightnessIncreasing')},
    **{name: partial(_without_fill, scale_contrast) for name in ('Contrast', 'ContrastIncreasing')},
    **{name: _mix_colors for name in ('Color', 'ColorIncreasing')},
    **{name: partial(_without_fill, sharpen) for name in ('Sharpness', 'SharpnessIncreasing')},
}
