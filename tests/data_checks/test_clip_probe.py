"""Numbers missing in the names of frames."""
from pathlib import Path

import cv2
import numpy as np

from claip_emo_mm.data_checks.clip_probe import ClipJob, probe_clip


def test_numbers_in_steps_are_no_gaps(tmp_path: Path) -> None:
    for number in (2, 4, 6, 10):
        cv2.imwrite(str(tmp_path / f'7_{number}.png'), np.zeros((4, 4, 3), np.uint8))
    assert probe_clip(ClipJob(str(tmp_path), '', needs_audio=False)).missing_numbers == 1


def test_times_in_names_have_no_gaps(tmp_path: Path) -> None:
    for name in ('0.04', '0.4', '0.12', '7'):
        cv2.imwrite(str(tmp_path / f'{name}.png'), np.zeros((4, 4, 3), np.uint8))
    assert probe_clip(ClipJob(str(tmp_path), '', needs_audio=False)).missing_numbers == 0
