"""Parts of pipelines whose results are kept."""
import numpy as np
import pytest
import torch

from claip_emo_mm.datasets.feature_cache import seeded, split_pipeline, window_ids
from claip_emo_mm.datasets.transforms import DecodeFrames, OpenAudioVisualClip, SampleFrameViews
from claip_emo_mm.errors import InputError

OPEN, SAMPLE, PACK = (dict(type=kind) for kind in ('OpenAudioVisualClip', 'SampleFrameViews', 'PackAudioVisualInputs'))
DECODE, RESIZE, FLIP = dict(type='DecodeFrames'), dict(type='ResizeFrames', size=8), dict(type='RandomFlipFrames')
LOAD, MEL = dict(type='mmaction.LoadAudioWindows'), dict(type='LogMel')


def test_parts() -> None:
    parts = split_pipeline([OPEN, SAMPLE, DECODE, RESIZE, FLIP, LOAD, MEL, PACK])
    assert parts.sampler == SAMPLE and parts.pack == PACK
    assert parts.chains == dict(visual=[DECODE, RESIZE, FLIP], audio=[dict(type='LoadAudioWindows'), MEL])
    assert not parts.is_fixed('visual') and parts.is_fixed('audio')
    assert list(split_pipeline([OPEN, SAMPLE, LOAD, MEL, PACK]).chains) == ['audio']
    own = dict(type='MyFilter')  # belongs to what is before it
    assert split_pipeline([OPEN, SAMPLE, LOAD, own, MEL, DECODE, own, PACK]).chains == dict(
        audio=[dict(type='LoadAudioWindows'), own, MEL], visual=[DECODE, own])


def test_types_as_classes() -> None:
    parts = split_pipeline([dict(type=OpenAudioVisualClip), dict(type=SampleFrameViews), dict(type=DecodeFrames), PACK])
    assert parts.chains == dict(visual=[DECODE]) and parts.is_fixed('visual')


@pytest.mark.parametrize('steps, expected', [
    ([SAMPLE, DECODE, PACK], 'begin with OpenAudioVisualClip .* this one is SampleFrameViews, DecodeFrames'),
    ([OPEN, SAMPLE, DECODE, dict(type='GatherViews')], 'end with PackAudioVisualInputs'),
    ([OPEN, SAMPLE, FLIP, DECODE, PACK], 'RandomFlipFrames before DecodeFrames and LoadAudioWindows'),
    ([], 'this one is empty'),
    ([OPEN, SAMPLE, DECODE, LOAD, RESIZE, MEL, PACK],
     'ResizeFrames is behind LoadAudioWindows. Put it directly behind DecodeFrames and the other visual transforms'),
    ([OPEN, SAMPLE, LOAD, DECODE, dict(type='RandomRollGain'), MEL, PACK],
     'RandomRollGain is behind DecodeFrames. Put it directly behind LoadAudioWindows and the other audio'),
    ([dict(type=OpenAudioVisualClip), dict(type=DecodeFrames), PACK], 'is OpenAudioVisualClip, DecodeFrames, PackAud'),
])
def test_other_pipelines(steps: list[dict], expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        split_pipeline(steps)


def test_seeds_of_clips_and_versions() -> None:
    np.random.seed(0)
    torch.manual_seed(0)
    expected = np.random.rand(), float(torch.rand(1))
    np.random.seed(0)
    torch.manual_seed(0)
    drawn = {}
    for clip in (b'a' * 16, b'b' * 16):
        for version in (0, 1, 0):
            with seeded(clip, version):
                drawn.setdefault((clip, version), []).append((np.random.rand(), float(torch.rand(1))))
    assert (np.random.rand(), float(torch.rand(1))) == expected  # as if nothing had been sampled
    assert drawn[b'a' * 16, 0][0] == drawn[b'a' * 16, 0][1] and len({values[0] for values in drawn.values()}) == 4


def test_numbers_of_audio_windows() -> None:
    bounds = np.array([[0, 480000], [0, 480001], [1, 480000], [2 ** 30, 2 ** 31 - 1]])
    ids = window_ids(bounds)
    assert ids.dtype == np.int64 and len(set(ids.tolist())) == 4 and (ids > 0).all()
    assert window_ids(np.zeros((1, 2))).tolist() == [0]
