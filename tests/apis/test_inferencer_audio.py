"""What the inferencer says of audio that is cut, cancelled, silent, tiny or no number, and of wrong lengths."""
import math
import re
import shutil
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
import torch

from claip_emo_mm.apis import EmotionInferencer
from claip_emo_mm.errors import InputError

RATE_HZ = 16000
VOICE = (.2 * np.sin(np.arange(10 * RATE_HZ) * 2 * np.pi * 220 / RATE_HZ)
         + np.random.default_rng(0).normal(0, .05, 10 * RATE_HZ)).astype(np.float32)
CANCELLED = 'the 2 channels of the audio cancel each other when they are averaged: channel 1 alone is used'


@pytest.fixture(scope='module')
def infer(checkpoint: Path) -> EmotionInferencer:
    return EmotionInferencer(checkpoint)


def write(path: Path, channels: np.ndarray, seconds: float = 2.) -> Path:
    """A bar that grows, at 25 fps, with audio (n, channels) as it is."""
    layout = 'stereo' if channels.shape[1] == 2 else 'mono'
    with av.open(str(path), 'w') as target:
        video, audio = target.add_stream('mpeg4', rate=25), target.add_stream('pcm_s16le', RATE_HZ, layout=layout)
        video.width, video.height, video.pix_fmt = 96, 64, 'yuv420p'
        for number in range(round(25 * seconds)):
            image = np.full((64, 96, 3), 40, np.uint8)
            image[-9:, :number % 96 + 1] = 200
            target.mux(video.encode(av.VideoFrame.from_ndarray(image, format='rgb24')))
        target.mux(video.encode())
        frame = av.AudioFrame.from_ndarray((channels * 32767).astype(np.int16).reshape(1, -1), format='s16',
                                           layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, 0, Fraction(1, RATE_HZ)
        target.mux([*audio.encode(frame), *audio.encode()])
    return path


def understate(path: Path, seconds: float) -> Path:
    """Write another length into the head of an mkv file."""
    data = bytearray(path.read_bytes())
    place = data.index(b'\x44\x89')  # Duration, in ms
    size = data[place + 2] & 0x7F
    data[place + 3:place + 3 + size] = struct.pack('>d' if size == 8 else '>f', 1000 * seconds)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize('batch_size', [1, 8])
def test_a_file_that_is_longer_than_it_states_has_scores_of_its_own_in_each_window(
        infer: EmotionInferencer, tmp_path: Path, batch_size: int) -> None:
    right = write(tmp_path / 'right.mkv', VOICE[:9 * RATE_HZ, None] * np.linspace(0, 1, 9 * RATE_HZ)[:, None], 9)
    wrong = understate(shutil.copy(right, tmp_path / 'wrong.mkv'), 2.5)
    wanted, found = (infer.infer(path, face='none', batch_size=batch_size).rows for path in (right, wrong))
    assert [(row.from_s, row.to_s) for row in found] == [(0, 4), (2, 6), (4, 8), (5, 9)]
    for first, second in zip(wanted, found, strict=True):
        assert list(second.scores.values()) == pytest.approx(list(first.scores.values()), abs=1e-6)
    assert len({tuple(row.scores.values()) for row in found}) == 4


@pytest.mark.parametrize('face', ['none', 'largest'])
def test_channels_that_cancel_are_read_and_reported(infer: EmotionInferencer, tmp_path: Path, face: str) -> None:
    channel = VOICE[:2 * RATE_HZ]
    given = (np.stack([channel, -channel], 1), channel[:, None], 0 * channel[:, None])
    inverted, mono, silent = (infer.infer(write(tmp_path / f'{number}.mkv', channels), face=face)
                              for number, channels in enumerate(given))
    assert inverted.scores == pytest.approx(mono.scores, abs=1e-6)
    assert max(abs(inverted.scores[name] - silent.scores[name]) for name in mono.classes) > .001
    assert CANCELLED in inverted.warnings and all(CANCELLED in row.warnings for row in inverted.rows)
    assert not any('cancel' in warning for warning in mono.warnings)
    silence = 'the audio is silent (every sample is 0): the silence was scored as audio'
    assert [silence in result.warnings for result in (inverted, mono, silent)] == [False, False, True]
    assert max(inverted.envelope) == pytest.approx(np.abs(channel).max(), abs=1e-3)


@pytest.mark.parametrize('samples', [1, 2, 3, 20, 300])
def test_audio_of_few_samples(infer: EmotionInferencer, tmp_path: Path, samples: int) -> None:
    soundfile.write(tmp_path / 'a.wav', VOICE[:samples], 48000)
    video = write(tmp_path / 'a.mkv', VOICE[:samples, None])
    array = dict(audio=VOICE[:samples], sample_rate_hz=96000)
    for given in (tmp_path / 'a.wav', video, array):
        for face in ('none', 'largest'):
            result = infer.infer(given, face=face)
            assert len(result.rows) == 1 and sum(result.scores.values()) == pytest.approx(1, abs=1e-6)
            assert len(result.envelope) == 1


def cut(path: Path, ratio: float = .6) -> Path:
    path.write_bytes(path.read_bytes()[:round(ratio * path.stat().st_size)])
    return path


def mp3(path: Path, **options: str) -> Path:
    with av.open(str(path), 'w', options=options) as target:
        stream = target.add_stream('libmp3lame', rate=RATE_HZ, layout='mono')
        frame = av.AudioFrame.from_ndarray((VOICE[:48000] * 32767).astype(np.int16)[None], format='s16', layout='mono')
        frame.sample_rate, frame.pts = RATE_HZ, 0
        target.mux([*stream.encode(frame), *stream.encode()])
    return path


def audio(path: Path, **options: str) -> Path:
    soundfile.write(path, VOICE[:48000], RATE_HZ, **options)
    return path


@pytest.mark.parametrize(('make', 'warning'), [
    (lambda folder: cut(mp3(folder / 'a.mp3')), r'the file is cut off: 1\.\d\d s found, 3\.0\d s expected'),
    (lambda folder: mp3(folder / 'a.mp3', write_xing='0'), 'the file does not state its length: whether it was cut'),
    (lambda folder: cut(audio(folder / 'a.ogg', subtype='OPUS')), 'the file is cut off: the page that ends the stream'),
    (lambda folder: cut(audio(folder / 'a.wav')), r'the file is cut off: \d+ bytes found, \d+ expected')])
def test_audio_that_is_cut_off(infer: EmotionInferencer, tmp_path: Path, make: Callable[[Path], Path],
                               warning: str) -> None:
    first, second = infer.infer(make(tmp_path)).warnings
    assert first == 'no frames: predicted from audio alone'
    assert re.match(warning, second), second


def test_samples_and_weights_that_are_no_numbers(infer: EmotionInferencer, checkpoint: Path, tmp_path: Path) -> None:
    broken = VOICE[:9000].copy()
    broken[8000] = np.inf
    soundfile.write(tmp_path / 'inf.wav', broken, RATE_HZ, subtype='FLOAT')
    with pytest.raises(InputError, match=r'inf\.wav, at 0\.\d s: 1 of \d+ samples of the audio are infinite or NaN'):
        infer.infer(tmp_path / 'inf.wav')
    with pytest.raises(InputError, match='array: 1 of 9000 samples of the audio are infinite or NaN'):
        infer.infer(dict(audio=broken, sample_rate_hz=RATE_HZ))
    loaded = torch.load(checkpoint, weights_only=True)
    loaded['state_dict']['cls_head.fc.weight'][0, 0] = math.nan
    torch.save(loaded, tmp_path / 'nan.pth')
    soundfile.write(tmp_path / 'a.wav', VOICE[:9000], RATE_HZ)
    with pytest.raises(InputError, match=r"a\.wav: the scores of 0\.0-0\.6 s are not finite\. 1 of the model's weights "
                                         r'hold values that are infinite or NaN, cls_head\.fc\.weight for instance'):
        EmotionInferencer(tmp_path / 'nan.pth').infer(tmp_path / 'a.wav')
