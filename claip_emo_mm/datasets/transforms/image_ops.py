"""The image operations of RandAugment on batches of frames.

They go frame by frame where that needs no large temporaries: those are new memory each time, which takes longer to map
than to fill. OpenCV's gray is one step off Pillow's in less than one pixel in a thousand.
"""
from collections.abc import Callable, Sequence
from functools import partial

import cv2
import numpy as np
from PIL import Image

from claip_emo_mm.datasets.transforms.image_warps import EPSILON, rotate, shear_x, shear_y, translate_x, translate_y

# (frames (U, H, W, 3) uint8, timm's argument where the operation has one, fill=color of what comes from outside) ->
# frames; all are called alike, though only those that move pixels have a use for the color.
Operation = Callable[..., np.ndarray]

_SMOOTH = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]], np.float32) / 13  # Pillow's ImageFilter.SMOOTH
_VALUES = np.arange(256, dtype=np.uint8)[None]


def sharpen(frames: np.ndarray, factor: float, fill: Sequence[int] = ()) -> np.ndarray:
    """Scale the difference to a smoothed copy, as `ImageEnhance.Sharpness` does; the outermost pixels stay."""
    sharpened = np.empty_like(frames)
    for frame, out in zip(frames, sharpened, strict=True):
        smooth = frame.copy()
        smooth[1:-1, 1:-1] = cv2.filter2D(frame, -1, _SMOOTH)[1:-1, 1:-1]
        _blend(smooth, frame, factor, out)
    return sharpened


def saturate(frames: np.ndarray, factor: float, fill: Sequence[int] = ()) -> np.ndarray:
    """Scale the difference to gray, as `ImageEnhance.Color` does."""
    saturated = np.empty_like(frames)
    for frame, out in zip(frames, saturated, strict=True):
        gray = cv2.cvtColor(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        _blend(gray, frame, factor, out)
    return saturated


def contrast(frames: np.ndarray, factor: float, fill: Sequence[int] = ()) -> np.ndarray:
    """Scale the difference to a frame's mean gray, as `ImageEnhance.Contrast` does."""
    values, tables = Image.fromarray(_VALUES), []
    for frame in frames:
        gray = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        mean = int(cv2.sumElems(gray)[0] / gray.size + 0.5)
        tables.append(np.asarray(Image.blend(Image.new('L', values.size, mean), values, factor)))
    return _look_up(frames, tables)


def autocontrast(frames: np.ndarray, fill: Sequence[int] = ()) -> np.ndarray:
    """Stretch each color of a frame to 0..255, as `ImageOps.autocontrast` does."""
    rows = frames.reshape(len(frames), frames.shape[1], -1)  # (U, H, W*3): few, long rows are fast
    low, high = (side(rows, axis=1).reshape(len(frames), -1, 3) for side in (np.min, np.max))
    low, high = low.min(1)[:, None].astype(int), high.max(1)[:, None].astype(int)  # (U, 1, 3)
    scale = 255 / np.maximum(high - low, 1)
    tables = (_VALUES[0, :, None] * scale - low * scale).clip(0, 255).astype(np.uint8)  # (U, 256, 3)
    tables = np.where(high > low, tables, _VALUES[0, :, None])
    return _look_up(frames, tables)


def equalize(frames: np.ndarray, fill: Sequence[int] = ()) -> np.ndarray:
    """Spread the values of each color of a frame evenly, as `ImageOps.equalize` does."""
    counts = np.array([[cv2.calcHist([frame], [color], None, [256], [0, 256]).ravel() for color in range(3)]
                       for frame in frames]).astype(int)  # (U, 3, 256)
    below = np.cumsum(counts, -1) - counts
    last = 255 - np.argmax(counts[..., ::-1] > 0, -1)[..., None]
    step = np.take_along_axis(below, last, -1) // 255
    tables = np.where(step > 0, ((step // 2 + below) // np.maximum(step, 1)).clip(0, 255), _VALUES)
    return _look_up(frames, np.ascontiguousarray(tables.astype(np.uint8).transpose(0, 2, 1)))


def invert(frames: np.ndarray, fill: Sequence[int] = ()) -> np.ndarray:
    """Invert all colors."""
    return ~frames


def posterize(frames: np.ndarray, bits: int, fill: Sequence[int] = ()) -> np.ndarray:
    """Keep the highest bits; none of them is black, which newer Pillows refuse."""
    return frames & np.uint8(256 - (1 << 8 - bits)) if bits else np.zeros_like(frames)


def map_values(name: str, frames: np.ndarray, *args: float, fill: Sequence[int] = ()) -> np.ndarray:
    """Apply an operation of timm in which every value depends on itself only, through a table of all values."""
    from timm.data.auto_augment import NAME_TO_OP  # with all of timm
    table = np.asarray(NAME_TO_OP[name](Image.fromarray(_VALUES), *args))
    return cv2.LUT(frames.reshape(1, -1), table).reshape(frames.shape)


def _look_up(frames: np.ndarray, tables: Sequence[np.ndarray]) -> np.ndarray:
    """Map the values of each frame by a table of its own, (256,) or of each color, (256, 3)."""
    mapped = np.empty_like(frames)
    for frame, table, out in zip(frames, tables, mapped, strict=True):
        shape = frame.shape if table.size == 3 * 256 else (1, -1)
        cv2.LUT(frame.reshape(shape), table.reshape(1, 256, -1), dst=out.reshape(shape))
    return mapped


def _blend(other: np.ndarray, frame: np.ndarray, factor: float, out: np.ndarray) -> None:
    """Scale the difference of a frame to another, as `Image.blend` does, which drops fractions."""
    cv2.addWeighted(frame, factor, other, 1 - factor, EPSILON - 0.5, dst=out)


# Partials, not closures, which could not be pickled for worker processes.
OPERATIONS: dict[str, Operation] = {
    'AutoContrast': autocontrast, 'Equalize': equalize, 'Invert': invert, 'Rotate': rotate, 'ShearX': shear_x,
    'ShearY': shear_y, 'TranslateXRel': translate_x, 'TranslateYRel': translate_y}
for _function, _names in (
        (posterize, ('Posterize', 'PosterizeIncreasing')), (sharpen, ('Sharpness', 'SharpnessIncreasing')),
        (saturate, ('Color', 'ColorIncreasing')), (contrast, ('Contrast', 'ContrastIncreasing'))):
    OPERATIONS |= dict.fromkeys(_names, _function)
OPERATIONS |= {name: partial(map_values, name) for name in (
    'Solarize', 'SolarizeIncreasing', 'SolarizeAdd', 'Brightness', 'BrightnessIncreasing')}
