from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmaction.registry import TRANSFORMS
from mmaction.structures import ActionDataSample

from claip_emo_mm.datasets.transforms import PackAudioVisualInputs
from claip_emo_mm.errors import InputError


def sample() -> dict:
    return dict(imgs=np.arange(2 * 4 * 5 * 3, dtype=np.uint8).reshape(2, 4, 5, 3), frame_index=np.array([[0, 1, 1]]),
                mel=torch.ones(1, 1, 7, 6), audio_index=np.array([0]), label=3, filename='a.mp4', sample_idx=8,
                total_frames=9)


def test_both_modalities() -> None:
    packed = TRANSFORMS.build(dict(type='PackAudioVisualInputs'))(sample())
    assert list(packed) == ['inputs', 'data_samples']
    inputs, data_sample = packed['inputs'], packed['data_samples']
    assert inputs['frames'].shape == (2, 3, 4, 5) and inputs['frames'].dtype == torch.uint8
    assert inputs['frames'].is_contiguous()
    assert inputs['frames'][1, 2, 3, 4] == 119 and inputs['frames'][0, 1, 0, 2] == 7  # the 7th number of the first row
    assert inputs['frame_index'].tolist() == [[0, 1, 1]] and inputs['frame_index'].dtype == torch.int64
    assert inputs['mel'].shape == (1, 1, 7, 6) and inputs['audio_index'].tolist() == [0]
    assert isinstance(data_sample, ActionDataSample) and data_sample.gt_label.tolist() == [3]
    assert data_sample.metainfo == dict(filename='a.mp4', sample_idx=8, total_frames=9)


@pytest.mark.parametrize(('left_out', 'keys'), [('mel', ['frames', 'frame_index']), ('imgs', ['mel', 'audio_index'])])
def test_one_modality_without_a_label(left_out: str, keys: list[str]) -> None:
    given = {key: value for key, value in sample().items() if key not in (left_out, 'label')}
    packed = PackAudioVisualInputs(meta_keys=['filename'])(given)
    assert list(packed['inputs']) == keys
    assert 'gt_label' not in packed['data_samples'] and packed['data_samples'].metainfo == dict(filename='a.mp4')


def test_missing_modalities_are_empty_and_have_no_index() -> None:
    packed = PackAudioVisualInputs()(dict(sample(), audio_index=np.array([-1]), audio_missing=True))
    assert packed['inputs']['mel'].shape == (0, 1, 7, 6) and packed['inputs']['audio_index'].tolist() == [-1]
    assert packed['inputs']['frames'].shape == (2, 3, 4, 5) and packed['data_samples'].audio_missing
    packed = PackAudioVisualInputs()(dict(sample(), frame_index=np.full((1, 3), -1), frame_missing=True))
    assert packed['inputs']['frames'].shape == (0, 3, 4, 5) and packed['inputs']['frame_index'].tolist() == [[-1] * 3]
    assert packed['inputs']['mel'].shape == (1, 1, 7, 6) and packed['data_samples'].frame_missing
    nothing = dict(sample(), clip=SimpleNamespace(path='a.wav'), audio_index=np.array([-1]),
                   frame_index=np.full((1, 3), -1))
    with pytest.raises(InputError, match='a.wav: nothing is left of this clip'):
        PackAudioVisualInputs()(nothing)


def test_frames_as_a_list() -> None:
    given = sample()
    as_list = PackAudioVisualInputs()(dict(given, imgs=list(given['imgs'])))
    assert torch.equal(as_list['inputs']['frames'], PackAudioVisualInputs()(given)['inputs']['frames'])


def test_nothing_to_pack_and_different_sizes() -> None:
    with pytest.raises(InputError, match=r'neither imgs nor mel \(found: label\)'):
        PackAudioVisualInputs()(dict(label=0))
    images = [np.zeros((4, 5, 3), np.uint8), np.zeros((5, 5, 3), np.uint8)]
    with pytest.raises(InputError, match=r'2 sizes, for example \(4, 5, 3\) and \(5, 5, 3\). Put ResizeFrames'):
        PackAudioVisualInputs()(dict(imgs=images, frame_index=np.array([[0, 1]])))
