import json
from pathlib import Path

import numpy as np
import pytest
from mmaction.registry import TRANSFORMS

from claip_emo_mm.datasets.transforms import SampleFrameViews
from claip_emo_mm.errors import InputError


def test_views_of_the_reference(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reference = json.loads((shared / 'reference/fixtures/frame_sampling.json').read_text())
    transform = TRANSFORMS.build(dict(type='SampleFrameViews', clip_len=16, frame_interval=4, num_clips=2,
                                      test_mode=True))
    for num_frames, views in reference['test'].items():
        sample = transform(dict(total_frames=int(num_frames)))
        assert sample['frame_inds'][sample['frame_index']].tolist() == [view['frames'] for view in views]
        assert sample['frame_inds'].tolist() == sorted({frame for view in views for frame in view['frames']})
        assert sample['audio_spans'].tolist() == [[view['audio_from'], view['audio_to']] for view in views]
    sampled = reference['train_long']
    monkeypatch.setattr(np.random, 'randint', lambda low, high: {(64, sampled['n']): sampled['end']}[low, high])
    for num_frames, frames in {**reference['train'], str(sampled['n']): sampled['idx']}.items():
        sample = SampleFrameViews()(dict(total_frames=int(num_frames)))
        assert sample['frame_inds'][sample['frame_index']].tolist() == [frames]


def test_distinct_frames_are_listed_once() -> None:
    sample = SampleFrameViews(clip_len=3, frame_interval=2, num_clips=2, test_mode=True)(dict(total_frames=9, label=4))
    assert sample['frame_inds'].tolist() == [0, 2, 4, 6, 8]  # views 0 2 4 and 4 6 8
    assert sample['frame_index'].tolist() == [[0, 1, 2], [2, 3, 4]]
    assert sample['audio_spans'].tolist() == [[0, 6 / 8], [4 / 8, 1]]
    assert sample['label'] == 4


def test_training_windows_are_random_seeded_and_inside() -> None:
    transform = SampleFrameViews(clip_len=3, frame_interval=2, num_clips=40)
    np.random.seed(3)
    sample = transform(dict(total_frames=9))
    starts = sample['frame_inds'][sample['frame_index']][:, 0]
    assert sorted(set(starts.tolist())) == [0, 1, 2]  # windows of 6 that end before the last of 9 frames
    assert sample['audio_spans'].tolist() == [[start / 8, (start + 6) / 8] for start in starts]
    np.random.seed(3)
    assert np.array_equal(transform(dict(total_frames=9))['frame_index'], sample['frame_index'])


def test_the_input_is_not_changed() -> None:
    given = dict(total_frames=9)
    SampleFrameViews(clip_len=3, frame_interval=2)(given)
    assert given == dict(total_frames=9)


def test_bad_values() -> None:
    with pytest.raises(InputError, match='SampleFrameViews: clip_len is 0. Expected at least 1'):
        SampleFrameViews(clip_len=0)
    with pytest.raises(InputError, match='no total_frames .*Put OpenAudioVisualClip before SampleFrameViews'):
        SampleFrameViews()(dict(label=0))
