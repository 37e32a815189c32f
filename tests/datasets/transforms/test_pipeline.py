"""From files to packed samples."""
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.dataset import Compose

from claip_emo_mm.datasets.transforms import OpenAudioVisualClip
from claip_emo_mm.errors import InputError


def pipeline(training: bool, num_clips: int) -> Compose:
    return Compose([dict(type='OpenAudioVisualClip'),
                    dict(type='SampleFrameViews', clip_len=8, frame_interval=4, num_clips=num_clips,
                         test_mode=not training),
                    dict(type='DecodeFrames'),
                    dict(type='ResizeFrames', size=16),
                    dict(type='LoadAudioWindows', sample_rate_hz=16000, window_s=3.072),
                    *([dict(type='RandomRollGain')] if training else []),
                    dict(type='LogMel', sample_rate_hz=16000, window_ms=25, shift_ms=12, num_frames=256),
                    dict(type='PackAudioVisualInputs')])


@pytest.mark.parametrize(('training', 'num_clips', 'num_distinct'), [(True, 1, 8), (False, 2, 10)])
def test_a_video_and_the_folder_of_its_frames_are_the_same(media: Path, training: bool, num_clips: int,
                                                           num_distinct: int) -> None:
    packed = []
    for files in (dict(filename=str(media / 'clip.mp4')),
                  dict(frame_dir=str(media / 'frames'), audio_path=str(media / 'audio.wav'))):
        np.random.seed(1)
        packed.append(pipeline(training, num_clips)(dict(files, label=2))['inputs'])
    video, folder = packed
    assert {key: tuple(value.shape) for key, value in video.items()} == dict(
        frames=(num_distinct, 3, 16, 16), frame_index=(num_clips, 8), mel=(1, 1, 256, 64), audio_index=(num_clips,))
    assert all(torch.equal(video[key], folder[key]) for key in video)


def test_frames_are_the_sampled_ones(media: Path) -> None:
    inputs = pipeline(False, 2)(dict(filename=str(media / 'clip.mp4')))['inputs']
    views = inputs['frames'].float().mean(dim=(1, 2, 3))[inputs['frame_index']]
    # 40 frames, every 4th: 10; windows of 8 begin at frames 0 and 8; frame i has brightness 20 + 4 i
    expected = torch.tensor([[20 + 16 * i for i in range(8)], [20 + 16 * i for i in range(2, 10)]])
    torch.testing.assert_close(views, expected.float(), atol=1.5, rtol=0)


def test_a_sample_without_files() -> None:
    with pytest.raises(InputError, match=r'no filename, frame_dir or audio_path \(found: label\)'):
        OpenAudioVisualClip()(dict(label=1))


def test_a_video_without_audio(media: Path) -> None:
    with pytest.raises(InputError, match=r'mute\.mp4: the clip has no audio'):
        pipeline(False, 1)(dict(filename=str(media / 'mute.mp4')))
