"""Telling crops of faces from scenes."""
from pathlib import Path

import cv2
import numpy as np
import pytest

from claip_emo_mm.faces.crop import FACE_RATIO, crop_face, face_ratio, ratio_of_face_frames
from claip_emo_mm.faces.detector import FaceBox, default_detector
from claip_emo_mm.media.video import VideoFile


class FakeDetector:
    """Finds what it is told, frame after frame."""

    def __init__(self, *found: list[FaceBox]) -> None:
        self.found = iter(found)

    def find(self, frame: np.ndarray) -> list[FaceBox]:
        return next(self.found)


def face(side: float) -> FaceBox:
    return FaceBox(3, 4, side, side, .9)


def test_median_over_the_frames_with_a_face_of_the_largest() -> None:
    frames = [np.zeros((100, 100, 3), np.uint8)] * 4
    assert face_ratio(frames, FakeDetector([face(30), face(60)], [], [face(50)], [face(90)])) == pytest.approx(.6)


@pytest.mark.parametrize(('height', 'width', 'ratio'),
                         [(100, 125, .447), (125, 100, .447), (100, 126, 0), (90, 160, 0)])
def test_frames_that_are_not_square_are_no_crops(height: int, width: int, ratio: float) -> None:
    frames = [np.zeros((height, width, 3), np.uint8)]
    assert face_ratio(frames, FakeDetector([face(50)])) == pytest.approx(ratio, abs=.001)


def test_no_face_says_nothing() -> None:
    assert face_ratio([np.zeros((9, 9, 3), np.uint8)] * 2, FakeDetector([], [])) is None
    assert ratio_of_face_frames([None, None]) is None
    assert ratio_of_face_frames([None, .6, .2, .7, .3]) == .5


def test_portrait_and_its_crops(shared: Path) -> None:
    frame = cv2.imread(str(shared / 'media' / 'single_face.jpg'))[:, :, ::-1]
    detector = default_detector()
    assert face_ratio([frame], detector) < FACE_RATIO
    for side in (180, 251, 326, 376):  # the face is 251 high
        crop = crop_face(frame, np.array([282., 272., side]), 224)
        assert face_ratio([crop], detector) > FACE_RATIO


@pytest.mark.parametrize('name', ['neutral_to_smile.mp4', 'talking_head_with_sound.mp4'])
def test_filmed_people_are_scenes(shared: Path, name: str) -> None:
    frames = VideoFile(str(shared / 'media' / name)).decode(np.array([0, 30, 60]))
    assert face_ratio(frames, default_detector()) < FACE_RATIO
