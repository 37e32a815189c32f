import json
from pathlib import Path

import numpy as np
import pytest

from claip_emo_mm.datasets.transforms.sampling import audio_span, regular_frames, spread_frames


@pytest.fixture
def reference(shared: Path) -> dict:
    return json.loads((shared / 'reference/fixtures/frame_sampling.json').read_text())


def test_training_frames_equal_the_reference(reference: dict) -> None:
    for num_frames, frames in reference['train'].items():
        assert spread_frames(int(num_frames), clip_len=16, frame_interval=4).tolist() == frames
    entry = reference['train_long']
    assert spread_frames(entry['n'], clip_len=16, frame_interval=4, end=entry['end']).tolist() == entry['idx']


def test_test_frames_and_spans_equal_the_reference(reference: dict) -> None:
    for num_frames, views in reference['test'].items():
        frames = regular_frames(int(num_frames), clip_len=16, frame_interval=4, num_clips=2)
        assert frames.tolist() == [view['frames'] for view in views]
        spans = [audio_span(view[0], view[-1] + 4, int(num_frames)) for view in frames]
        assert spans == [(view['audio_from'], view['audio_to']) for view in views]


def test_other_lengths_by_hand() -> None:
    # 3 frames over a window of 6, from 4 to 10: 4, 7, 10 -> the last is clipped to 9
    assert spread_frames(20, clip_len=3, frame_interval=2, end=10).tolist() == [4, 7, 9]
    # 5 // 2 = 2 frames over 0..5, then the last one again
    assert spread_frames(5, clip_len=3, frame_interval=2).tolist() == [0, 4, 4]
    # every 2nd of 12: 0 2 4 6 8 10; three windows of 3 begin at 0, 1 and 3
    assert regular_frames(12, clip_len=3, frame_interval=2, num_clips=3).tolist() == [[0, 2, 4], [2, 4, 6], [6, 8, 10]]
    assert regular_frames(12, clip_len=3, frame_interval=2, num_clips=1).tolist() == [[2, 4, 6]]
    assert audio_span(2, 6, num_frames=11) == (0.2, 0.6)


@pytest.mark.parametrize('num_frames', [1, 2, 7, 31, 32, 33, 100])
def test_frames_stay_in_the_clip_and_in_order(num_frames: int) -> None:
    for frames in (spread_frames(num_frames, 8, 4, end=max(num_frames - 1, 32))[None],
                   regular_frames(num_frames, 8, 4, num_clips=5)):
        assert frames.shape[1] == 8
        assert frames.min() >= 0 and frames.max() < num_frames
        assert (np.diff(frames, axis=1) >= 0).all()
