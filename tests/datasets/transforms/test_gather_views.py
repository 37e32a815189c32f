from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from mmaction.registry import TRANSFORMS
from mmcv.transforms import Compose

from claip_emo_mm.datasets.transforms import GatherViews, OpenAudioVisualClip
from claip_emo_mm.errors import InputError
from claip_emo_mm.media.audio import AudioFile
from claip_emo_mm.media.image_folder import FrameFolder

V, T = 2, 3


def mmaction(kind: str, **options: object) -> object:
    return TRANSFORMS.build(dict(type=f'mmaction.{kind}', **options))


def frames_sample() -> dict:
    frames = np.arange(4, dtype=np.uint8)[:, None, None, None] * np.ones((4, 2, 5, 3), np.uint8)  # number = brightness
    return dict(imgs=frames, frame_index=np.array([[0, 1, 1], [1, 2, 3]]), label=4)


def test_frames_reach_mmaction_recognizers() -> None:
    flat = Compose([GatherViews(), mmaction('FormatShape', input_format='NCHW'),
                    mmaction('PackActionInputs')])(frames_sample())
    assert flat['inputs'].shape == (V * T, 3, 2, 5) and flat['inputs'][:, 0, 0, 0].tolist() == [0, 1, 1, 1, 2, 3]
    assert flat['data_samples'].gt_label.tolist() == [4]
    deep = Compose([GatherViews(), mmaction('FormatShape', input_format='NCTHW'), mmaction('PackActionInputs')])
    inputs = deep(frames_sample())['inputs']
    assert inputs.shape == (V, 3, T, 2, 5) and inputs[:, 0, :, 0, 0].tolist() == [[0, 1, 1], [1, 2, 3]]


def test_audio_reaches_mmaction_recognizers() -> None:
    sample = dict(mel=torch.randn(2, 1, 7, 4), audio_index=np.array([1, 0, 1]), audios=['raw'], label=0)
    pipeline = Compose([GatherViews(), mmaction('FormatAudioShape', input_format='NCTF'), mmaction('PackActionInputs')])
    torch.testing.assert_close(pipeline(dict(sample))['inputs'], sample['mel'][[1, 0, 1]])


def test_one_modality_is_asked_for() -> None:
    with pytest.raises(InputError, match='has neither imgs nor mel; expected one of the two'):
        GatherViews()(dict(label=0))
    with pytest.raises(InputError, match='has imgs and mel'):
        GatherViews()(dict(frames_sample(), mel=torch.zeros(1, 1, 2, 2)))
    with pytest.raises(InputError, match='has no frame_index'):
        GatherViews()(dict(imgs=[]))


def test_an_audio_file_is_a_clip(tmp_path: Path) -> None:
    soundfile.write(tmp_path / 'a.wav', np.full(800, .5, np.float32), 8000)
    clip = OpenAudioVisualClip()(dict(audio_path=str(tmp_path / 'a.wav'), total_frames=25))['clip']
    assert isinstance(clip, AudioFile)
    assert (clip.num_frames, clip.duration_s, clip.has_audio) == (25, .1, True)
    samples, rate = clip.audio()
    assert rate == 8000 and np.allclose(samples, .5, atol=1e-3)
    with pytest.raises(InputError, match='a.wav: an audio file has no frames'):
        clip.decode(np.array([0]))
    with pytest.raises(InputError, match='b.wav'):
        OpenAudioVisualClip()(dict(audio_path=str(tmp_path / 'b.wav'), total_frames=25))


def test_folders_of_mmaction_hold_other_images_too(tmp_path: Path) -> None:
    for name in ('img_00001.jpg', 'img_00002.jpg', 'flow_x_00001.jpg', 'img_00001.png'):
        (tmp_path / name).touch()
    sample = dict(frame_dir=str(tmp_path), filename_tmpl='img_{:05}.jpg', total_frames=2)
    opened = OpenAudioVisualClip()(sample)
    assert opened['total_frames'] == 2 and opened['clip'].names == ['img_00001.jpg', 'img_00002.jpg']
    with pytest.raises(InputError, match='no frame found; expected files like frame_{}.jpg'):
        FrameFolder(str(tmp_path), filename_tmpl='frame_{}.jpg')
    with pytest.raises(InputError, match='begins at frame 7 of its folder.*with_offset=False'):
        OpenAudioVisualClip()(dict(sample, offset=7))
