"""Every operation against timm's, frame by frame through Pillow."""
import cv2
import numpy as np
import pytest
from PIL import Image
from timm.data.auto_augment import NAME_TO_OP

from claip_emo_mm.datasets.transforms.image_ops import OPERATIONS

FILL = (124, 116, 104)
EXACT = [('AutoContrast', ()), ('Equalize', ()), ('Invert', ()), ('Posterize', (1,)), ('PosterizeIncreasing', (3,)),
         ('PosterizeIncreasing', (8,)), ('Solarize', (80,)), ('SolarizeIncreasing', (256,)), ('SolarizeAdd', (70,)),
         ('Brightness', (0.4,)), ('BrightnessIncreasing', (1.537,)), ('Contrast', (0.5,)),
         ('ContrastIncreasing', (1.63,))]
BLENDING = [('Color', 0.37), ('ColorIncreasing', 1.4), ('Color', 1.0), ('Sharpness', 0.37),
            ('SharpnessIncreasing', 1.61), ('Sharpness', 1.0)]
WARPING = [('Rotate', 13.7), ('Rotate', -21.3), ('Rotate', 0.0), ('ShearX', 0.21), ('ShearX', -0.19), ('ShearY', 0.2),
           ('ShearY', -0.21), ('TranslateXRel', 0.313), ('TranslateXRel', -0.3), ('TranslateYRel', 0.25),
           ('TranslateYRel', -0.28)]


def some_frames() -> np.ndarray:
    """5 frames of 30 x 43: noise, soft noise, noise of few values, one gray, and a frame of two values."""
    noise = np.random.default_rng(0).integers(0, 256, (30, 43, 3), dtype=np.uint8)
    return np.stack([noise, cv2.GaussianBlur(noise, (5, 5), 2), noise // 3 + 40, np.full_like(noise, 77),
                     np.where(noise > 250, 200, 199).astype(np.uint8)])


def by_timm(name: str, frames: np.ndarray, *strength: float) -> np.ndarray:
    options = dict(fillcolor=FILL, resample=Image.Resampling.BICUBIC)
    return np.stack([np.asarray(NAME_TO_OP[name](Image.fromarray(frame), *strength, **options)) for frame in frames])


@pytest.mark.parametrize(('name', 'strength'), EXACT)
def test_operations_on_brightness_are_pillows(name: str, strength: tuple[float, ...]) -> None:
    frames = some_frames()
    given = frames.copy()
    changed = OPERATIONS[name](frames, *strength, fill=FILL)
    assert changed.dtype == np.uint8
    np.testing.assert_array_equal(changed, by_timm(name, frames, *strength))
    np.testing.assert_array_equal(frames, given)


@pytest.mark.parametrize(('name', 'strength'), WARPING + BLENDING)
def test_other_operations_are_pillows_but_for_single_steps(name: str, strength: float) -> None:
    frames = some_frames()
    given = frames.copy()
    changed = OPERATIONS[name](frames, strength, fill=FILL)
    difference = np.abs(changed.astype(int) - by_timm(name, frames, strength))
    assert changed.dtype == np.uint8 and difference.max() <= 1
    assert (difference > 0).mean() < 2e-3
    np.testing.assert_array_equal(frames, given)
    outside = (changed == np.array(FILL)).all(axis=(0, 3))
    assert outside.any() == ((name, strength) in WARPING and strength != 0)


def test_every_operation_is_checked_here() -> None:
    assert {name for name, _ in EXACT + WARPING + BLENDING} == OPERATIONS.keys()


def test_no_bits_are_black() -> None:
    assert not OPERATIONS['PosterizeIncreasing'](some_frames(), 0, fill=FILL).any()


@pytest.mark.parametrize('name', ['AutoContrast', 'Equalize', 'Contrast', 'Color'])
def test_tables_are_those_of_each_frame(name: str) -> None:
    strength = () if name in ('AutoContrast', 'Equalize') else (1.5,)
    frames = some_frames()
    apart = [OPERATIONS[name](frame[None], *strength, fill=FILL)[0] for frame in frames]
    np.testing.assert_array_equal(OPERATIONS[name](frames, *strength, fill=FILL), np.stack(apart))
    assert OPERATIONS[name](frames[:, :1, :1], *strength, fill=FILL).shape == (5, 1, 1, 3)
