"""The square around a clip's face, from boxes made up here."""
import tracemalloc

import numpy as np
import pytest

from claip_emo_mm.faces.detector import FaceBox
from claip_emo_mm.faces.tracking import MARGIN, follow_face


def box(x: float, y: float, width: float = 40, height: float = 60) -> FaceBox:
    """A box by its center."""
    return FaceBox(x - width / 2, y - height / 2, width, height, .9)


def test_a_still_face() -> None:
    squares = follow_face([[box(100, 80)]] * 7)
    np.testing.assert_allclose(squares, np.tile([100, 80, MARGIN * 60], (7, 1)))


def test_the_larger_of_two_faces_in_whatever_order() -> None:
    near, far = box(300, 100, 80, 90), box(100, 100)
    squares = follow_face([[near, far], [far, near], [near, far]])
    np.testing.assert_allclose(squares[:, 0], 300)


def test_a_lasting_face_before_a_larger_one_that_passes() -> None:
    found = [[box(100, 100)] + ([box(300, 100, 80, 90)] if 10 <= frame < 16 else []) for frame in range(40)]
    np.testing.assert_allclose(follow_face(found)[:, 0], 100)


def test_frames_without_the_face_are_bridged() -> None:
    found = [[box(100 + 2 * frame, 80)] if frame not in (0, 12, 13, 14, 15, 16, 29) else [] for frame in range(30)]
    squares = follow_face(found)
    assert squares.shape == (30, 3)
    np.testing.assert_allclose(squares[12:17, 0], 100 + 2 * np.arange(12, 17), atol=.2)  # a straight way stays straight
    np.testing.assert_allclose(squares[:, 2], MARGIN * 60)


def test_trembling_boxes_give_a_steady_square() -> None:
    noise = np.random.default_rng(0).normal(0, 1, (80, 3))
    found = [[box(200 + dx, 120 + dy, 40, 60 + dh)] for dx, dy, dh in noise]
    squares = follow_face(found)
    assert np.abs(np.diff(squares, axis=0)).max() < .8 < 3 < np.abs(np.diff(noise, axis=0)).max()
    np.testing.assert_allclose(squares.mean(axis=0), (noise + [200, 120, 60]).mean(axis=0) * [1, 1, MARGIN], rtol=.02)


def test_places_lie_on_lines_fitted_to_the_frames_around() -> None:
    places = np.random.default_rng(1).normal(300, 20, 150)
    squares = follow_face([[box(place, 80, 400, 600)] for place in places])
    for frame in (0, 4, 70, 149):
        apart = np.arange(150) - frame
        weights = np.exp(-.5 * (apart / 3) ** 2)  # a standard deviation of 3 frames
        assert squares[frame, 0] == pytest.approx(np.polyfit(apart, places, 1, w=np.sqrt(weights))[1], abs=1e-4)


def test_memory_grows_with_the_clip_and_not_with_its_square() -> None:
    found = [[box(100, 80)]] * 5000  # 3 minutes; frames by frames, float64, would be 200 MB
    tracemalloc.start()
    follow_face(found)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6


def test_after_a_cut_the_next_face_takes_over_at_once() -> None:
    found = [[box(100, 80)]] * 20 + [[box(400, 200, 60, 90)]] * 30
    squares = follow_face(found)
    np.testing.assert_allclose(squares[:20], np.tile([100, 80, MARGIN * 60], (20, 1)))
    np.testing.assert_allclose(squares[20:], np.tile([400, 200, MARGIN * 90], (30, 1)))


def test_between_two_faces_the_nearer_one_is_shown() -> None:
    squares = follow_face([[box(100, 80)]] * 10 + [[]] * 6 + [[box(400, 200)]] * 10)
    np.testing.assert_allclose(squares[:, 0], [100] * 13 + [400] * 13)


def test_a_false_find_beside_the_face_changes_nothing() -> None:
    found = [[box(500, 30)]] * 2 + [[]] * 3 + [[box(100, 80)]] * 20
    np.testing.assert_allclose(follow_face(found)[:, 0], 100)


@pytest.mark.parametrize('frames', [0, 1, 5])
def test_no_face(frames: int) -> None:
    assert follow_face([[]] * frames) is None


def test_one_frame() -> None:
    np.testing.assert_allclose(follow_face([[box(10, 20)]]), [[10, 20, MARGIN * 60]])
