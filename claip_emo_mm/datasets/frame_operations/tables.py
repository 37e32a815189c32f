"""Operations that give every brightness another one: tables of 256 entries instead of arithmetic for every pixel."""
from collections.abc import Callable

import cv2
import numpy as np
from PIL import Image

_EVERY_BRIGHTNESS = np.arange(256, dtype=np.uint8)[None, :, None].repeat(3, axis=2)  # (1, 256, 3)


def apply_to_every_brightness(operation: Callable[..., Image.Image], frames: np.ndarray, *args: float) -> np.ndarray:
    """Apply an operation on pictures in which a pixel's result depends on its own brightness only.

    Args:
        operation: takes a picture and `args`; it is called once, with a picture of every brightness.
        frames: (U, H, W, 3) uint8.
    Returns: (U, H, W, 3) uint8.
    """
    table = np.asarray(operation(Image.fromarray(_EVERY_BRIGHTNESS), *args))
    return _look_up(frames.reshape(1, -1, 3), table).reshape(frames.shape)


def stretch_contrast(frames: np.ndarray) -> np.ndarray:
    """Bring the darkest and the lightest value of each colour of each frame to 0 and 255, as `ImageOps.autocontrast`.

    Args:
        frames: (U, H, W, 3) uint8.
    """
    return np.stack([_look_up(frame, _stretching(frame)) for frame in frames])


def equalize_histograms(frames: np.ndarray) -> np.ndarray:
    """Spread the values of each colour of each frame evenly, as `ImageOps.equalize` does.

    Args:
        frames: (U, H, W, 3) uint8.
    """
    return np.stack([_look_up(frame, _equalizing(frame)) for frame in frames])


def scale_contrast(frames: np.ndarray, factor: float) -> np.ndarray:
    """Scale the distance to each frame's mean brightness, as `ImageEnhance.Contrast` does.

    Args:
        frames: (U, H, W, 3) uint8.
        factor: 0 for an even grey, 1 for no change.
    """
    everything = Image.fromarray(_EVERY_BRIGHTNESS)
    changed = []
    for frame in frames:
        grey = np.asarray(Image.fromarray(frame).convert('L'))
        mean = int(grey.mean() + 0.5)
        even = Image.new('RGB', everything.size, (mean, mean, mean))
        changed.append(_look_up(frame, np.asarray(Image.blend(even, everything, factor))))
    return np.stack(changed)


def _look_up(frame: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Replace the values of (H, W, 3) by a table (1, 256, 3) uint8 of each colour."""
    return cv2.LUT(frame, table)


def _stretching(frame: np.ndarray) -> np.ndarray:
    table = np.empty_like(_EVERY_BRIGHTNESS)
    every = np.arange(256)
    for colour, plane in enumerate(cv2.split(frame)):
        low, high, _, _ = cv2.minMaxLoc(plane)
        scale = 255.0 / (high - low) if high > low else 1.0
        offset = -low * scale if high > low else 0.0
        table[0, :, colour] = np.clip(every * scale + offset, 0, 255)  # drops fractions
    return table


def _equalizing(frame: np.ndarray) -> np.ndarray:
    table = _EVERY_BRIGHTNESS.copy()
    for colour in range(3):
        counts = cv2.calcHist([frame], [colour], None, [256], [0, 256])[:, 0].astype(np.int64)  # (256,)
        found = counts[counts > 0]
        step = (found.sum() - found[-1]) // 255
        if len(found) > 1 and step:
            darker = np.cumsum(counts) - counts
            table[0, :, colour] = np.minimum((step // 2 + darker) // step, 255)
    return table
