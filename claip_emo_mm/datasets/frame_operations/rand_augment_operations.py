"""The operations of RandAugment by timm's names, on all frames of a clip."""
import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from PIL import Image
from timm.data.auto_augment import NAME_TO_OP

from claip_emo_mm.datasets.frame_operations.sharpening import sharpen
from claip_emo_mm.datasets.frame_operations.tables import (
    apply_to_every_brightness,
    equalize_histograms,
    scale_contrast,
    stretch_contrast,
)
from claip_emo_mm.datasets.frame_operations.warping import warp

# (frames (U, H, W, 3) uint8, timm's argument where the operation has one, fill=colour) -> frames
Operation = Callable[..., np.ndarray]


def _shear_x(frames: np.ndarray, factor: float, fill: Sequence[int]) -> np.ndarray:
    return warp(frames, (1, factor, 0, 0, 1, 0), fill)


def _shear_y(frames: np.ndarray, factor: float, fill: Sequence[int]) -> np.ndarray:
    return warp(frames, (1, 0, 0, factor, 1, 0), fill)


def _translate_x(frames: np.ndarray, share: float, fill: Sequence[int]) -> np.ndarray:
    return warp(frames, (1, 0, share * frames.shape[2], 0, 1, 0), fill)


def _translate_y(frames: np.ndarray, share: float, fill: Sequence[int]) -> np.ndarray:
    return warp(frames, (1, 0, 0, 0, 1, share * frames.shape[1]), fill)


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


def _mix_colours(frames: np.ndarray, factor: float, fill: Sequence[int]) -> np.ndarray:
    """Scale the distance to grey; this has no table, and is fast enough frame by frame."""
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
    **{name: _mix_colours for name in ('Color', 'ColorIncreasing')},
    **{name: partial(_without_fill, sharpen) for name in ('Sharpness', 'SharpnessIncreasing')},
}
