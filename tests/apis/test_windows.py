"""Windows of frames drawn here, whose faces are squares of a color."""
import numpy as np
import pytest

from claip_emo_mm.apis import ArrayStream, FaceBox
from claip_emo_mm.apis.windows import TICKS_HZ, SlidingWindows, Window

RED, GREEN = (220, 20, 20), (20, 220, 20)


class Squares:
    """Finds squares of red and green, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def find(self, frame: np.ndarray) -> list[FaceBox]:
        self.asked += 1
        found = []
        for color in (GREEN, RED):
            rows, columns = np.nonzero((frame == color).all(-1))
            if len(rows):
                found.append(FaceBox(columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1, .9))
        return found


def scene(seconds: float, *faces: tuple, fps: float = TICKS_HZ, audio_s: float = 0.) -> ArrayStream:
    """A video (60 x 160 pixels) in which each face, (color, from s, to s, left), is a square of 20 pixels."""
    frames = np.full((round(seconds * fps), 60, 160, 3), 90, np.uint8)
    for number, frame in enumerate(frames):
        for color, start_s, end_s, left in faces:
            if start_s <= number / fps < end_s:
                frame[20:40, left:left + 20] = color
    noise = np.random.default_rng(0).uniform(-.3, .3, round(8000 * audio_s)).astype(np.float32)
    return ArrayStream(frames, fps, *((noise, 8000) if audio_s else ()))


def cut(source: ArrayStream, face: str, window_s: float = 2., stride_s: float = 1.) -> (
        tuple[SlidingWindows, list[Window]]):
    windows = SlidingWindows(source, window_s, stride_s, face, Squares())
    return windows, list(windows)


def test_people_who_leave_and_come_back() -> None:
    source = scene(6, (GREEN, 0, 2.5, 110), (GREEN, 4, 6, 90), (RED, 0, 6, 10), (RED, 3, 3.2, 70))
    windows, found = cut(source, 'all')
    boxes = [{view.person: view.box[0] for view in window.people} for window in found]
    red, green = windows._people.number(1), windows._people.number(2)
    assert [set(each) for each in boxes] == [{red, green}, {red, green}, {red, green}, {red, green}, {red, green}]
    assert all(each[red] == pytest.approx(10 / 160) for each in boxes)
    assert [each[green] for each in boxes] == pytest.approx([110 / 160] * 3 + [90 / 160] * 2, abs=.01)
    people = windows.people([green, red])
    assert [person.number for person in people] == [1, 2]
    np.testing.assert_allclose(people[0].spans, [(0, 2.5), (4, 6)], atol=2 / TICKS_HZ)
    np.testing.assert_allclose(people[1].spans, [(0, 6)])
    assert windows.no_face() == []
    times = [time_s for time_s, _ in people[0].path]
    assert times == sorted(times) and max(np.diff(times)) == pytest.approx(1.5, abs=.1)


def test_parts_without_a_face() -> None:
    windows, found = cut(scene(5, (RED, 0, 1.5, 40), (RED, 1.8, 2.5, 40), (RED, 4, 4.2, 40)), 'largest')
    np.testing.assert_allclose(windows.no_face(), [(2.5, 5)], atol=2 / TICKS_HZ)  # a fifth of a second is no face
    assert [view.warnings for view in found[-1].people] == [['no face: the whole frame was used']]


@pytest.mark.parametrize('face', ['largest', 'all'])
def test_a_person_is_not_seen_where_there_are_no_frames(face: str) -> None:
    windows, found = cut(scene(3, (RED, 0, 3, 40), audio_s=8), face, 4., 2.)
    assert [(window.start_s, window.people[0].person) for window in found] == [(0, 1), (2, 1), (4, None)]
    assert [window.people[0].seen_ratio for window in found[:2]] == [.75, .25]
    assert [window.people[0].warnings for window in found] == [
        [], ['visible in 25 % of the window'], ['no frames']]
    assert (windows.frames_end_s, windows.end_s, windows.no_face()) == (3, 8, [])


def test_the_end_of_the_recording_is_no_absence() -> None:
    for seconds in (1.5, 4.5):  # shorter than a window, and no multiple of the stride
        _, found = cut(scene(seconds, (RED, 0, 9, 40), audio_s=seconds), 'largest', 4., 2.)
        assert [window.people[0].seen_ratio for window in found] == [1.] * len(found)
        assert not any(window.people[0].warnings for window in found)


def test_nothing_is_said_of_faces_between_windows() -> None:
    source = scene(10, (RED, 0, 1, 40), (RED, 3, 6, 40))
    windows, found = cut(source, 'largest', 2., 7.)
    assert [(window.start_s, window.end_s) for window in found] == [(0, 2), (7, 9), (8, 10)]
    np.testing.assert_allclose(windows.no_face(), [(1, 2), (7, 10)], atol=2 / TICKS_HZ)
    windows, _ = cut(source, 'largest', 2., 2.)  # next to each other: every time is judged
    np.testing.assert_allclose(windows.no_face(), [(1, 3), (6, 10)], atol=2 / TICKS_HZ)
    windows, _ = cut(scene(6, (GREEN, 2.5, 6, 40)), 'all', 2., 3.)  # a face that begins between two windows
    np.testing.assert_allclose(windows.no_face(), [(0, 2)], atol=2 / TICKS_HZ)


def test_overlapping_windows_show_the_same_frames() -> None:
    for face in ('none', 'all'):
        _, (first, second, _) = cut(scene(4, (RED, 0, 4, 40)), face)
        late, early = first.people[0].frames[TICKS_HZ:], second.people[0].frames[:TICKS_HZ]
        assert all(a is b for a, b in zip(late, early, strict=True))


def test_between_two_detections_a_moving_face_is_where_it_should_be() -> None:
    frames = np.full((48, 60, 160, 3), 90, np.uint8)
    for number, frame in enumerate(frames):
        frame[20:40, 2 * number + 10:2 * number + 30] = RED
    windows, (window,) = cut(ArrayStream(frames, TICKS_HZ), 'all')
    assert windows._detector.asked == 25  # every second frame, and the last one
    assert window.people[0].warnings == []
    for crop in window.people[0].frames[5:]:  # squares of 256 pixels, the face in the middle of them
        red = np.nonzero((crop[..., 0] > 150) & (crop[..., 1] < 60))[1]
        assert red.mean() == pytest.approx(127.5, abs=8)


def test_a_frame_that_stays_is_searched_once() -> None:
    source = scene(4, (RED, 0, 1, 10), (RED, 1, 2, 60), (RED, 2, 4, 110), fps=1)
    windows, found = cut(source, 'all')
    assert windows._detector.asked == 4
    for window in found:
        crops = window.people[0].frames
        assert len({id(crop) for crop in crops}) == 2
        assert all((crop[..., 0] > 150).any() for crop in crops)
