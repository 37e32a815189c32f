"""What is drawn on a frame: labels beside faces, at the size of a phone's video too."""
import numpy as np
import pytest

from claip_emo_mm.structures import EmotionResult, EmotionRow, ModelFacts, PersonTrack
from claip_emo_mm.visualization.frame_labels import FrameLabels
from claip_emo_mm.visualization.plots import person_color

NOTE = 'toy: this model knows drawn faces and nothing else, so that its scores for a real video have no meaning'


def labels(boxes: list[tuple[float, float, float, float]], name: str = 'surprise', note: str = '') -> FrameLabels:
    rows = [EmotionRow(0, 4, number, box, {name: .8, 'sad': .2}) for number, box in enumerate(boxes, 1)]
    people = [PersonTrack(number, [(0, 4)], [(time_s, box) for time_s in np.arange(0, 4, .1)],
                          np.zeros((64, 64, 3), np.uint8)) for number, box in enumerate(boxes, 1)]
    return FrameLabels(EmotionResult('a.mp4', 4., [name, 'sad'], rows, [], people, [], note))


def grid(columns: int, rows: int) -> list[tuple[float, float, float, float]]:
    return [((column + .22) / columns, (row + .2) / rows, .56 / columns, .65 / rows)
            for row in range(rows) for column in range(columns)]


@pytest.mark.parametrize('note', ['', NOTE])
@pytest.mark.parametrize('name', ['calm', 'anxiety_helplessness_disappointment'])
@pytest.mark.parametrize(('width', 'height', 'boxes'), [
    (320, 240, grid(3, 2)), (320, 240, [(.4, .3, .2, .4)]), (240, 426, grid(2, 3)), (1280, 720, grid(3, 2))])
def test_faces_stay_free_and_every_person_has_a_label(
        width: int, height: int, boxes: list[tuple[float, float, float, float]], name: str, note: str) -> None:
    frame = np.full((height, width, 3), 77, np.uint8)
    drawn = labels(boxes, name, note).draw(frame, 1.)
    assert drawn.shape == frame.shape and (frame == 77).all()
    outside = np.ones((height, width), bool)
    for left, top, across, down in boxes:
        rows = slice(round(top * height) + 4, round((top + down) * height) - 4)
        columns = slice(round(left * width) + 4, round((left + across) * width) - 4)
        assert (drawn[rows, columns] == 77).all()
        outside[round(top * height) - 3:round((top + down) * height) + 3,
                round(left * width) - 3:round((left + across) * width) + 3] = False
    for number in range(1, len(boxes) + 1):  # the label's background, beyond the lines of the boxes
        assert ((drawn == person_color(number)).all(-1) & outside).sum() > 60
    assert ((drawn == 32).all(-1).sum() > 100) == bool(note)


def test_what_the_model_was_trained_on_stands_on_the_frame_without_a_note() -> None:
    rows = [EmotionRow(0, 4, None, None, dict(calm=.8, sad=.2))]
    known, unknown = (
        FrameLabels(EmotionResult('a.mp4', 4., ['calm', 'sad'], rows, [], model=ModelFacts('a.pth', data))).draw(
            np.full((240, 320, 3), 77, np.uint8), 1.) for data in ('DFEW, fold 1, train', ''))
    assert (known[-20:] == 32).all(-1).sum() > 100 and not (unknown[-20:] == 32).any()


def test_a_face_that_fills_the_image_has_its_label_at_an_edge() -> None:
    drawn = labels([(0., 0., 1., 1.)], note=NOTE).draw(np.full((240, 320, 3), 77, np.uint8), 1.)
    assert (drawn[60:180, 50:270] == 77).all() and ((drawn == person_color(1)).all(-1)).sum() > 500


def test_a_label_does_not_jump_while_its_place_is_free() -> None:
    def place(drawer: FrameLabels, time_s: float) -> np.ndarray:
        drawn = drawer.draw(np.zeros((240, 320, 3), np.uint8), time_s)
        return np.argwhere((drawn == person_color(1)).all(-1))

    path = [(time_s, (.4, .02 if time_s < 1 else .1, .2, .3)) for time_s in np.arange(0, 4, .1)]
    rows = [EmotionRow(0, 4, 1, None, dict(calm=.9, loud=.1))]
    drawer = FrameLabels(EmotionResult('a.mp4', 4., ['calm', 'loud'], rows, [], [
        PersonTrack(1, [(0, 4)], path, np.zeros((64, 64, 3), np.uint8))]))
    assert place(drawer, .5)[:, 0].max() > .32 * 240 + 5  # below: there is no room above
    assert place(drawer, 2.)[:, 0].max() > .4 * 240 + 5  # still below, with room above


def test_an_unsure_label_is_gray_and_says_so() -> None:
    sure, unsure = labels(grid(1, 1)), labels(grid(1, 1))
    unsure._windows[0][0].unsure = True
    frame = np.zeros((240, 320, 3), np.uint8)
    first, second = sure.draw(frame, 1.), unsure.draw(frame, 1.)
    background = [(drawn == color).all(-1).sum() for drawn, color in ((first, person_color(1)), (second, (205,) * 3))]
    assert background[1] > 1.3 * background[0] / 2 > 200 and not (first == 205).all(-1).any()  # it is longer
