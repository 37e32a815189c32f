"""One channel of several: the mean, bit for bit, unless the channels cancel each other."""
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from claip_emo_mm.apis.window_clip import AudioBuffer
from claip_emo_mm.media.audio import AudioFile
from claip_emo_mm.media.audio_signal import is_silent, mix_down
from claip_emo_mm.media.image_folder import FrameFolder
from claip_emo_mm.media.stream import ArrayStream, FileStream, MediaStream
from claip_emo_mm.media.video import VideoFile

RATE_HZ = 16000
NOISE = np.random.default_rng(0).normal(0, .1, (4, 24000)).astype(np.float32)
FIRST, SECOND = NOISE[:2]


@pytest.mark.parametrize('channels', [
    (FIRST, SECOND), (FIRST, .5 * FIRST), (FIRST, 0 * FIRST), (0 * FIRST, 0 * FIRST), (FIRST, -.3 * FIRST),
    (FIRST + .5, FIRST - .5),  # inaudible: the offsets of the microphones differ
    (FIRST[:1], -FIRST[:1])])
def test_channels_that_do_not_cancel_give_their_mean(channels: tuple[np.ndarray, np.ndarray]) -> None:
    left, right = (channel.astype(np.float32) for channel in channels)
    mixed = mix_down(np.stack([left, right], axis=1))
    np.testing.assert_array_equal(mixed.samples, (left + right) / np.float32(2))
    assert mixed.samples.dtype == np.float32 and mixed.note == ''


def test_one_of_eight_channels_alone_is_no_cancellation() -> None:
    channels = np.zeros((9000, 8), np.float32)
    channels[:, 5] = FIRST[:9000]
    mixed = mix_down(channels)
    np.testing.assert_array_equal(mixed.samples, FIRST[:9000] / 8)
    assert not mixed.note


@pytest.mark.parametrize(('right', 'louder'), [(-FIRST, 1), (-1.2 * FIRST, 2), (-.8 * FIRST, 1),
                                               (-1.2 * FIRST + .01 * SECOND, 2), (.3 - 1.2 * FIRST, 2)])
def test_of_channels_that_cancel_the_louder_one_is_taken(right: np.ndarray, louder: int) -> None:
    channels = np.stack([FIRST, right.astype(np.float32)], axis=1)
    mixed = mix_down(channels)
    np.testing.assert_array_equal(mixed.samples, channels[:, louder - 1])
    assert mixed.note == ('the 2 channels of the audio cancel each other when they are averaged: '
                          f'channel {louder} alone is used')


def test_channels_of_long_audio_are_compared_over_all_of_it() -> None:
    left, right = np.tile(FIRST, 30), np.tile(FIRST, 30)
    right[:300000] *= -1  # its beginning cancels, the rest does not
    mixed = mix_down(np.stack([left, right], axis=1))
    np.testing.assert_array_equal(mixed.samples, (left + right) / 2)


def test_silence() -> None:
    assert is_silent(np.full((5, 2), 9e-4, np.float32)) and not is_silent(np.array([0, 0, -.0011]))


def write_video(path: Path, channels: np.ndarray) -> str:
    """A second and a half of black, with 16 bit samples (n, channels)."""
    with av.open(str(path), 'w') as container:
        video, audio = container.add_stream('mpeg4', rate=10), container.add_stream('pcm_s16le', RATE_HZ,
                                                                                   layout='stereo')
        video.width, video.height, video.pix_fmt = 64, 32, 'yuv420p'
        for _ in range(15):
            container.mux(video.encode(av.VideoFrame.from_ndarray(np.zeros((32, 64, 3), np.uint8), format='rgb24')))
        container.mux(video.encode())
        frame = av.AudioFrame.from_ndarray(channels.reshape(1, -1), format='s16', layout='stereo')
        frame.sample_rate, frame.pts = RATE_HZ, 0
        container.mux([*audio.encode(frame), *audio.encode()])
    return str(path)


def streamed(source: MediaStream) -> tuple[np.ndarray, str]:
    return AudioBuffer(source).cut(0., 1.5)


@pytest.mark.parametrize('inverted', [True, False])
def test_all_readers_read_the_same_audio(tmp_path: Path, inverted: bool) -> None:
    left = np.round(FIRST * 2 ** 15).astype(np.int16)
    near = left - left // 8
    channels = np.stack([near, -left if inverted else left], axis=1)
    wanted = (-left if inverted else (near.astype(np.float32) + left) / 2) / np.float32(2 ** 15)
    video = write_video(tmp_path / 'clip.mkv', channels)
    soundfile.write(tmp_path / 'audio.wav', channels, RATE_HZ)
    (tmp_path / '1.png').touch()
    readers = [VideoFile(video), AudioFile(str(tmp_path / 'audio.wav'), 9),
               FrameFolder(str(tmp_path), str(tmp_path / 'audio.wav'))]
    read = [(reader.audio()[0], reader.audio_note) for reader in readers]
    floats = (channels / 2. ** 15).T
    read += [streamed(FileStream(video)), streamed(FileStream(str(tmp_path / 'audio.wav'))),
              streamed(ArrayStream(None, None, floats, RATE_HZ)),
              streamed(ArrayStream(None, None, floats.astype(np.float32), RATE_HZ))]
    for samples, note in read:
        np.testing.assert_array_equal(samples, wanted.astype(np.float32))
        assert ('channel 2 alone is used' in note) == inverted


def test_windows_are_mixed_as_clips_of_their_own() -> None:
    channels = np.stack([FIRST, FIRST])
    channels[1, 8000:16000] *= -1
    buffer = AudioBuffer(ArrayStream(None, None, channels, RATE_HZ))
    windows = [buffer.cut(start, start + .5) for start in (0, .5, 1.)]
    for window, start in zip(windows, (0, 8000, 16000), strict=True):
        np.testing.assert_array_equal(window.samples, FIRST[start:start + 8000])
    assert [bool(window.note) for window in windows] == [False, True, False]
