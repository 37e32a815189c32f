"""Warps of long or narrow clips, and out of the frame, against Pillow's; usual ones are in test_image_ops."""
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from claip_emo_mm.datasets.transforms.image_warps import rotate, shear_x, shear_y, translate_x, translate_y, warp

FILL = (124, 116, 104)


def some_frames(count: int = 3, height: int = 12, width: int = 19) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def by_pillow(frames: np.ndarray, matrix: tuple[float, ...]) -> np.ndarray:
    return np.stack([np.asarray(Image.fromarray(frame).transform(
        frame.shape[1::-1], Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC, fillcolor=FILL))
        for frame in frames])


def assert_close(found: np.ndarray, expected: np.ndarray) -> None:
    difference = np.abs(found.astype(int) - expected)
    assert found.dtype == np.uint8 and difference.max() <= 1
    assert (difference > 0).mean() < 2e-3


def test_whole_pixels_are_moved() -> None:
    frames = some_frames()
    moved = warp(frames, (1, 0, 2, 0, 1, -3), FILL)  # what was 2 to the right and 3 above
    np.testing.assert_array_equal(moved[:, 3:, :-2], frames[:, :-3, 2:])
    assert (moved[:, :3] == FILL).all() and (moved[:, :, -2:] == FILL).all()
    np.testing.assert_array_equal(translate_x(frames, 2 / 19, FILL), warp(frames, (1, 0, 2, 0, 1, 0), FILL))
    np.testing.assert_array_equal(translate_y(frames, -0.25, FILL), warp(frames, (1, 0, 0, 0, 1, -3), FILL))


@pytest.mark.parametrize('degrees', [90, 180])
def test_quarter_turns(degrees: int) -> None:
    frames = some_frames(2, 8, 8)
    np.testing.assert_array_equal(rotate(frames, degrees, FILL), np.rot90(frames, degrees // 90, axes=(1, 2)))


def test_more_frames_and_pixels_than_are_warped_at_once() -> None:
    frames = some_frames(70, 100, 101)
    matrix = .9, .2, -3, -.15, 1.1, 2.3
    assert_close(warp(frames, matrix, FILL)[::23], by_pillow(frames[::23], matrix))


@pytest.mark.parametrize('shape', [(12, 1), (1, 19), (1, 1), (2, 3)])
def test_narrow_frames(shape: tuple[int, int]) -> None:
    frames = some_frames(4, *shape)
    assert_close(shear_x(frames, .3, FILL), by_pillow(frames, (1, .3, 0, 0, 1, 0)))
    assert_close(shear_y(frames, -.3, FILL), by_pillow(frames, (1, 0, 0, -.3, 1, 0)))
    assert_close(warp(frames, (.9, .2, 0, .1, .8, 0), FILL), by_pillow(frames, (.9, .2, 0, .1, .8, 0)))


@pytest.mark.parametrize('factor', [3.7, -3.7])
@pytest.mark.parametrize(('shear', 'place'), [(shear_x, 1), (shear_y, 3)])
def test_rows_may_leave_the_frame(shear: Callable[..., np.ndarray], place: int, factor: float) -> None:
    frames = some_frames()
    matrix = [1, 0, 0, 0, 1, 0]
    matrix[place] = factor
    sheared = shear(frames, factor, FILL)
    assert_close(sheared, by_pillow(frames, tuple(matrix)))
    assert (sheared == FILL).all(axis=3).any()


@pytest.mark.parametrize('move', [translate_x, translate_y])
def test_all_may_leave_the_frame(move: Callable[..., np.ndarray]) -> None:
    assert (move(some_frames(), 1.2, FILL) == FILL).all()


@pytest.mark.parametrize('steps', [.25, .5, .75, -.5, -6.5, 4.999])
def test_parts_of_a_pixel(steps: float) -> None:
    frames = some_frames(5, 19, 19)
    assert_close(translate_x(frames, steps / 19, FILL), by_pillow(frames, (1, 0, steps, 0, 1, 0)))
    assert_close(translate_y(frames, steps / 19, FILL), by_pillow(frames, (1, 0, 0, 0, 1, steps)))
