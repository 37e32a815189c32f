"""Clips with and without frames or audio, from a list to a batch."""
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from mmaction.registry import DATASETS
from mmcv.transforms import Compose
from mmengine.dataset import pseudo_collate

from claip_emo_mm.datasets.transforms import DecodeFrames
from claip_emo_mm.errors import InputError
from claip_emo_mm.media.audio import AudioFile
from claip_emo_mm.models import AudioVisualDataPreprocessor

AUGMENT = [dict(type='RandAugmentFrames'), dict(type='RandomResizedCropFrames', size=12),
           dict(type='RandomFlipFrames', prob=1), dict(type='RandomEraseFrames', prob=1),
           dict(type='ResizeFrames', size=12, exact=True)]


def pipeline(frame: str = 'mask', audio: str = 'mask', test_mode: bool = True) -> list[dict]:
    return [dict(type='OpenAudioVisualClip'),
            dict(type='SampleFrameViews', clip_len=3, num_clips=2 if test_mode else 1, test_mode=test_mode),
            dict(type='DecodeFrames', on_missing=frame), dict(type='ResizeFrames', size=14),
            *([] if test_mode else AUGMENT),
            dict(type='LoadAudioWindows', sample_rate_hz=16000, window_s=0.5, on_missing=audio),
            *([] if test_mode else [dict(type='RandomRollGain')]),
            dict(type='LogMel', sample_rate_hz=16000, num_mel_bins=5, window_ms=25, num_frames=40),
            dict(type='PackAudioVisualInputs')]


@pytest.mark.parametrize('test_mode', [True, False])
def test_a_batch_of_every_kind(media: Path, write_list: Callable[..., str], test_mode: bool) -> None:
    path = write_list('frames,audio,label', 'frames,audio.wav,sad', 'frames,,fear', ',audio.wav,happy')
    dataset = DATASETS.build(dict(type='AudioVisualDataset', ann_file=path, data_root=str(media),
                                  pipeline=pipeline(test_mode=test_mode), test_mode=test_mode))
    assert dataset.get_data_info(2) == dict(audio_path=str(media / 'audio.wav'), label=0, sample_idx=2)
    samples = [dataset[index] for index in range(3)]
    sizes = [(len(sample['inputs']['frames']), len(sample['inputs']['mel'])) for sample in samples]
    assert [(bool(frames), bool(audio)) for frames, audio in sizes] == [(True, True), (True, False), (False, True)]
    batch = AudioVisualDataPreprocessor()(pseudo_collate(samples))
    inputs, views = batch['inputs'], 2 if test_mode else 1
    assert len(inputs['frames']) == sizes[0][0] + sizes[1][0] and len(inputs['mel']) == sizes[0][1] + sizes[2][1]
    assert inputs['audio_index'][1].tolist() == [-1] * views
    assert inputs['audio_index'][2].tolist() == [sizes[0][1]] * views  # the first of its own
    assert inputs['frame_index'][2].tolist() == [[-1] * 3] * views
    assert inputs['frame_index'][1].min() == sizes[0][0]
    missing = [(bool(sample.get('frame_missing')), bool(sample.get('audio_missing')))
             for sample in batch['data_samples']]
    assert missing == [(False, False), (False, True), (True, False)]


def test_an_audio_file_is_an_error_unless_frames_may_be_missing(media: Path) -> None:
    sample = dict(audio_path=str(media / 'audio.wav'))
    with pytest.raises(InputError, match="audio.wav: an audio file has no frames.*on_missing='mask'"):
        Compose(pipeline(frame='error'))(sample)
    with pytest.raises(InputError, match="on_missing is 'silence'. Expected 'error' or 'mask'"):
        DecodeFrames(on_missing='silence')
    assert not AudioFile(sample['audio_path'], 1).has_frames


def test_a_video_without_audio_can_do_without(media: Path) -> None:
    inputs = Compose(pipeline())(dict(filename=str(media / 'mute.mp4')))['inputs']
    assert inputs['mel'].shape == (0, 1, 40, 5) and inputs['audio_index'].tolist() == [-1, -1]
    assert np.array(inputs['frame_index']).min() == 0


def test_a_row_needs_one_of_the_two(write_list: Callable[..., str]) -> None:
    with pytest.raises(InputError, match='list.csv:2: frames, audio is empty. Only audio may be empty'):
        DATASETS.build(dict(type='AudioVisualDataset', ann_file=write_list('frames,audio,label', ',,sad'), pipeline=[]))
