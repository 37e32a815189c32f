"""Squares cut out of frames that are computed here."""
import numpy as np
import pytest

from claip_emo_mm.faces.crop import crop_face


def ramp(height: int, width: int) -> np.ndarray:
    """Pixels that say where they are: x in red, y in green."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x, y, np.zeros_like(x)], axis=2).astype(np.uint8)


def test_whole_pixels_are_copied() -> None:
    frame = ramp(60, 90)
    np.testing.assert_array_equal(crop_face(frame, np.array([40., 30., 20.]), size=20), frame[20:40, 30:50])


def test_half_pixels_are_averaged() -> None:
    frame = 2 * ramp(60, 90)
    crop = crop_face(frame, np.array([40.5, 30., 20.]), size=20)
    np.testing.assert_array_equal(crop, frame[20:40, 30:50] + [1, 0, 0])


def test_enlarging_keeps_the_place() -> None:
    crop = crop_face(ramp(60, 90), np.array([40., 30., 16.]), size=64).astype(float)
    expected = 32 + (np.arange(64) + .5) / 4 - .5  # pixel centres
    np.testing.assert_allclose(crop[32, :, 0], expected, atol=.51)
    np.testing.assert_allclose(crop[:, 32, 1], expected - 10, atol=.51)


def test_shrinking_averages_and_keeps_the_place() -> None:
    stripes = np.zeros((400, 600, 3), np.uint8)
    stripes[:, ::2] = 200  # finer than the result: their mean is what is left
    assert set(np.unique(crop_face(stripes, np.array([300., 200., 240.]), size=60))) <= set(range(98, 103))
    frame = np.zeros((400, 600, 3), np.uint8)
    frame[120:160, 340:380] = 255  # 40 x 40, its upper left corner 160, 40 in the square
    crop = crop_face(frame, np.array([300., 200., 240.]), size=60)
    np.testing.assert_array_equal(np.argwhere(crop[..., 0] > 127).min(axis=0), [10, 40])
    np.testing.assert_array_equal(np.argwhere(crop[..., 0] > 127).max(axis=0), [19, 49])


@pytest.mark.parametrize('side', [20., 80.])
def test_outside_the_frame_is_black(side: float) -> None:
    crop = crop_face(np.full((40, 40, 3), 250, np.uint8), np.array([0., 20., side]), size=40)
    assert not crop[:, :19].any()
    assert (crop[15:25, 21:] == 250).all()


def test_the_default_is_256() -> None:
    assert crop_face(ramp(60, 90), np.array([40., 30., 33.3])).shape == (256, 256, 3)
