import numpy as np
import pytest

from claip_emo_mm.toy.face import PLAN, FaceCanvas, FaceControls
from claip_emo_mm.toy.identities import FaceIdentity

SIZE = 96


@pytest.fixture(scope='module')
def identity() -> FaceIdentity:
    """A person without beard and glasses, so that nothing covers the expression."""
    people = (FaceIdentity.sample(np.random.default_rng(seed)) for seed in range(100))
    return next(person for person in people if not person.beard and not person.glasses)


@pytest.fixture(scope='module')
def canvas(identity: FaceIdentity) -> FaceCanvas:
    return FaceCanvas(identity, SIZE)


def changed_rows(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Rows with a clear difference, as a fraction of the height."""
    return np.nonzero(np.abs(first.astype(int) - second).max((1, 2)) > 20)[0] / len(first)


@pytest.mark.parametrize('size', [64, 160])
def test_frames_have_the_size_asked_for(identity: FaceIdentity, size: int) -> None:
    frame = FaceCanvas(identity, size).draw(FaceControls())
    assert frame.shape == (size, size, 3)
    assert frame.dtype == np.uint8


def test_colors_are_rgb(identity: FaceIdentity) -> None:
    forehead = FaceCanvas(identity, 224).draw(FaceControls())[PLAN // 2 - 20, PLAN // 2]
    assert forehead == pytest.approx(identity.skin.rgb, abs=12)


def test_drawing_leaves_no_trace_on_the_next_frame(canvas: FaceCanvas) -> None:
    before = canvas.draw(FaceControls())
    canvas.draw(FaceControls(open=1, brow_inner=-1, wrinkle=1), talk=1, blink=1)
    np.testing.assert_array_equal(canvas.draw(FaceControls()), before)


@pytest.mark.parametrize(('control', 'top', 'bottom'), [
    ('brow_inner', .15, .5), ('brow_outer', .15, .5), ('lid', .3, .6), ('corner', .55, .85), ('open', .55, .9),
    ('wide', .55, .85), ('lip_up', .55, .85), ('wrinkle', .4, .65)])
def test_each_control_changes_its_own_part(canvas: FaceCanvas, control: str, top: float, bottom: float) -> None:
    rows = changed_rows(canvas.draw(FaceControls(**{control: .9})), canvas.draw(FaceControls()))
    assert len(rows) > 0
    assert top < rows.min() and rows.max() < bottom


@pytest.mark.parametrize(('corner', 'direction'), [(.9, 1), (-.9, -1)])
def test_mouth_corners_go_up_and_down(canvas: FaceCanvas, corner: float, direction: int) -> None:
    frame = canvas.draw(FaceControls(corner=corner)).astype(int)
    mouth = np.abs(frame - (70, 18, 30)).max(-1) < 30
    mouth[:SIZE // 2] = False
    rows, columns = np.nonzero(mouth)
    ends = rows[(columns <= columns.min() + 1) | (columns >= columns.max() - 1)].mean()
    middle = rows[np.abs(columns - columns.mean()) < 2].mean()
    assert np.sign(middle - ends) == direction  # rows count downwards


def test_talking_opens_the_mouth_and_blinking_shuts_the_eyes(canvas: FaceCanvas) -> None:
    rest = canvas.draw(FaceControls())
    mouth = changed_rows(canvas.draw(FaceControls(), talk=1), rest)
    assert .55 < mouth.min() and mouth.max() < .9
    eyes = slice(int(.38 * SIZE), int(.55 * SIZE)), slice(int(.3 * SIZE), int(.7 * SIZE))
    whites = [(frame[eyes].min(-1) > 225).sum() for frame in (rest, canvas.draw(FaceControls(), blink=1))]
    assert whites[0] > 10 > whites[1]


def test_the_head_moves_right_and_down_by_fractions_of_the_side(canvas: FaceCanvas) -> None:
    rest, moved = canvas.draw(FaceControls()), canvas.draw(FaceControls(), dx=6 / SIZE, dy=3 / SIZE)
    np.testing.assert_array_equal(moved[3:, 6:], rest[:-3, :-6])


def test_sampled_controls_stay_in_range_and_reach_far() -> None:
    drawn = np.array([FaceControls.sample(np.random.default_rng(seed)) for seed in range(500)])
    assert drawn.shape == (500, 8)
    assert np.abs(drawn).max() <= 1
    assert (np.ptp(drawn, axis=0) > .8).all()


def test_wrong_number_of_controls_is_refused(canvas: FaceCanvas) -> None:
    with pytest.raises(TypeError, match='positional argument'):
        canvas.draw(np.zeros(9))
