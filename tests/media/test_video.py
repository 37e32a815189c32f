from pathlib import Path

import av
import numpy as np
import pytest

from claip_emo_mm.errors import InputError
from claip_emo_mm.media.video import VideoFile


def test_frames_are_the_ones_asked_for(media: Path) -> None:
    video = VideoFile(str(media / 'clip.mp4'))
    assert video.num_frames == 40
    assert video.duration_s == pytest.approx(2.0, abs=0.1)
    frames = video.decode(np.array([0, 1, 7, 39]))
    assert frames.shape == (4, 32, 64, 3) and frames.dtype == np.uint8
    np.testing.assert_allclose(frames.mean(axis=(1, 2, 3)), [20, 24, 48, 176], atol=1.5)


def test_audio_is_the_tone(media: Path) -> None:
    samples, sample_rate_hz = VideoFile(str(media / 'clip.mp4')).audio()
    assert sample_rate_hz == 16000 and samples.dtype == np.float32 and samples.ndim == 1
    assert len(samples) == pytest.approx(32000, abs=2048)  # aac comes in blocks of 1024
    spectrum = np.abs(np.fft.rfft(samples[8000:24000]))  # 1 s: one step is 1 Hz
    assert spectrum.argmax() == 400
    assert np.abs(samples[8000:24000]).max() == pytest.approx(0.5, abs=0.05)


def write_samples(path: Path, samples: np.ndarray, codec: str, sample_format: str, layout: str) -> VideoFile:
    """Half a second of black at 10 fps with 8,000 samples (n, channels) at 16 kHz as they are."""
    with av.open(str(path), 'w') as container:
        video, audio = container.add_stream('mpeg4', rate=10), container.add_stream(codec, 16000, layout=layout)
        video.width, video.height, video.pix_fmt = 64, 32, 'yuv420p'
        for _ in range(5):
            container.mux(video.encode(av.VideoFrame.from_ndarray(np.zeros((32, 64, 3), np.uint8), format='rgb24')))
        container.mux(video.encode())
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format=sample_format, layout=layout)
        frame.sample_rate, frame.pts = 16000, 0
        container.mux([*audio.encode(frame), *audio.encode()])
    return VideoFile(str(path))


def test_audio_can_be_read_again_after_frames(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = VideoFile(str(media / 'clip.mp4'))
    samples, rate_hz = clip.audio()
    clip.decode(np.array([0, 2]))
    monkeypatch.setattr('claip_emo_mm.media.packets._KEPT_BYTES', 0)
    for other in (clip, VideoFile(str(media / 'clip.mp4'))):
        again, again_hz = other.audio()
        np.testing.assert_array_equal(again, samples)
        assert again_hz == rate_hz


def test_eight_channels_are_averaged(tmp_path: Path) -> None:
    written = np.zeros((8000, 8), np.int16)
    written[:, 3] = 8192  # a quarter of the largest, in one channel
    samples, sample_rate_hz = write_samples(tmp_path / 'surround.mkv', written, 'pcm_s16le', 's16', '7.1').audio()
    assert (samples.shape, samples.dtype, sample_rate_hz) == ((8000,), np.float32, 16000)
    np.testing.assert_allclose(samples, .25 / 8)


def test_audio_with_a_sample_that_is_no_number(tmp_path: Path) -> None:
    written = np.zeros((8000, 1), np.float32)
    written[7] = np.nan
    with pytest.raises(InputError, match=r'nan\.mkv: 1 of 8000 samples of the audio are infinite or NaN. Copy or'):
        write_samples(tmp_path / 'nan.mkv', written, 'pcm_f32le', 'flt', 'mono').audio()


def test_the_last_of_few_frames_lasts_long(tmp_path: Path) -> None:
    path = tmp_path / 'slides.mp4'
    with av.open(str(path), 'w') as container:
        video = container.add_stream('mpeg4', rate=1)
        video.width, video.height, video.pix_fmt = 64, 32, 'yuv420p'
        for _ in range(3):
            container.mux(video.encode(av.VideoFrame.from_ndarray(np.zeros((32, 64, 3), np.uint8), format='rgb24')))
        container.mux(video.encode())
    opened = VideoFile(str(path))  # not taken for one that is cut off
    assert (opened.num_frames, opened.duration_s) == (3, 3.)


def test_without_audio(media: Path) -> None:
    video = VideoFile(str(media / 'mute.mp4'))
    assert not video.has_audio
    assert video.decode(np.array([3])).shape == (1, 32, 64, 3)


def test_videos_of_phones_are_turned_upright(media: Path) -> None:
    upright = VideoFile(str(media / 'clip.mp4')).decode(np.array([0]))
    turned = VideoFile(str(media / 'turned.mp4')).decode(np.array([0]))
    assert turned.shape == (1, 64, 32, 3)
    assert np.array_equal(turned, np.rot90(upright, -1, axes=(1, 2)))


@pytest.mark.parametrize(('name', 'message'), [
    ('gone.mp4', 'no such file.* correct the name, or put it there, or take it out of the list'),
    ('empty.mp4', r'empty \(0 bytes\)'),
    ('half.mp4', 'no video that can be opened .*cut off'),
    ('half_fast.mp4', r'cut off: [01]\.\d\d s of (video|audio) found, 2\.0\d s expected'),
    ('half.mkv', r'cut off: [01]\.\d\d s of (video|audio) found, 2\.\d\d s expected'),
    ('text.mp4', 'no video that can be opened'),
    ('frame.mp4', 'an image or a text, not a video'),
    ('audio.mp4', 'no frames in it, only audio'),
])
def test_bad_files(media: Path, name: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        VideoFile(str(media / name))
    assert str(error.value).startswith(str(media / name)) and 'take it out of the list' in str(error.value)


def test_frames_that_are_not_there(media: Path) -> None:
    with pytest.raises(InputError, match=r'clip\.mp4: frames 0 to 40 of 40 cannot be decoded'):
        VideoFile(str(media / 'clip.mp4')).decode(np.array([0, 40]))


def test_damage_inside_the_audio(media: Path, tmp_path: Path) -> None:
    data = bytearray((media / 'clip.mp4').read_bytes())
    start = data.find(b'mdat') + 4
    data[start:data.find(b'moov') - 4] = b'\xff' * (data.find(b'moov') - 4 - start)
    path = tmp_path / 'damaged.mp4'
    path.write_bytes(data)
    video = VideoFile(str(path))
    with pytest.raises(InputError, match=r'damaged\.mp4: .*audio'):
        video.audio()
    with pytest.raises(InputError, match=r'damaged\.mp4: frames 0 to 39 of 40 cannot be decoded'):
        video.decode(np.array([0, 39]))


def test_real_recordings(shared: Path) -> None:
    video = VideoFile(str(shared / 'media/talking_head_with_sound.mp4'))
    assert (video.num_frames, video.has_audio) == (105, True)
    assert video.decode(np.array([0, 104])).shape == (2, 240, 320, 3)
    samples, sample_rate_hz = video.audio()
    assert sample_rate_hz == 24000 and len(samples) / 24000 == pytest.approx(8.71, abs=0.05)
    stereo, sample_rate_hz = VideoFile(str(shared / 'media/neutral_to_smile.mp4')).audio()
    assert sample_rate_hz == 44100 and stereo.ndim == 1 and len(stereo) / 44100 == pytest.approx(2.42, abs=0.05)
