"""Flash videos with mp3 audio, and mp4 of 1280 x 720, as public corpora have them, against other decoders."""
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import soundfile

from claip_emo_mm.media.video import VideoFile

FORMATS = {  # name -> video codec, pixel format, size, frames per second, audio codec, its rate
    'crema.flv': ('flv', 'yuv420p', (480, 360), Fraction(30000, 1001), 'libmp3lame', 44100),
    'screen.flv': ('flashsv', 'bgr24', (480, 360), Fraction(30), 'libmp3lame', 22050),
    'screen2.flv': ('flashsv2', 'bgr24', (480, 360), Fraction(30), 'libmp3lame', 44100),
    'ravdess.mp4': ('libx264', 'yuv420p', (1280, 720), Fraction(30000, 1001), 'aac', 48000)}
SECONDS = 1.2


def write(path: Path) -> Path:
    """A square that moves over a gradient, and a tone that rises."""
    codec, pixels, (width, height), fps, audio_codec, rate_hz = FORMATS[path.name]
    with av.open(str(path), 'w') as container:
        video = container.add_stream(codec, rate=fps)
        video.width, video.height, video.pix_fmt = width, height, pixels
        video.bit_rate = 4_000_000
        audio = container.add_stream(audio_codec, rate=rate_hz, layout='mono')
        audio.bit_rate = 128_000
        image = np.broadcast_to(np.linspace(30, 220, width)[None, :, None], (height, width, 3)).astype(np.uint8)
        for index in range(round(SECONDS * fps)):
            frame = image.copy()
            frame[100:160, 5 * index:5 * index + 60] = (200, 30, 6 * index)
            container.mux(video.encode(av.VideoFrame.from_ndarray(frame, format='rgb24')))
        container.mux(video.encode())
        times = np.arange(int(SECONDS * rate_hz)) / rate_hz
        tone = (.5 * np.sin(2 * np.pi * (200 + 300 * times) * times)).astype(np.float32)
        length = audio.codec_context.frame_size
        for start in range(0, len(tone), length):
            frame = av.AudioFrame.from_ndarray(tone[None, start:start + length], format='fltp', layout='mono')
            frame.sample_rate, frame.pts, frame.time_base = rate_hz, start, Fraction(1, rate_hz)
            container.mux(audio.encode(frame))
        container.mux(audio.encode())
    return path


@pytest.mark.parametrize('name', FORMATS)
def test_frames_are_those_of_opencv(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name)
    video, other, frames = VideoFile(str(path)), cv2.VideoCapture(str(path)), []
    while (read := other.read())[0]:
        frames.append(read[1][..., ::-1])
    assert video.num_frames == len(frames) == round(SECONDS * FORMATS[name][3])
    found = video.decode(np.arange(len(frames)))
    assert found.shape == (len(frames), *FORMATS[name][2][::-1], 3)
    signed = found.astype(np.int16)
    difference = np.abs(signed - np.stack(frames))
    assert difference.max() <= 4 and difference.mean() < 1  # the same planes, another conversion to RGB
    assert np.abs(np.diff(signed, axis=0)).max() > 100  # not one frame again and again
    some = video.decode(np.array([3, 17, len(frames) - 1]))
    np.testing.assert_array_equal(some, found[[3, 17, -1]])


@pytest.mark.parametrize('name', [name for name in FORMATS if name.endswith('.flv')])
def test_samples_are_those_of_libsndfile(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name)
    samples, rate_hz = VideoFile(str(path)).audio()
    with av.open(str(path)) as container, (tmp_path / 'audio.mp3').open('wb') as file:
        for packet in container.demux(audio=0):
            file.write(bytes(packet))
    others, other_rate_hz = soundfile.read(tmp_path / 'audio.mp3', dtype='float32')
    assert rate_hz == other_rate_hz == FORMATS[name][5]
    assert len(samples) >= int(SECONDS * rate_hz)
    window = samples[4000:4000 + 8000]  # where it lies in the other: decoders differ in the delay that they take off
    scores = np.correlate(others, window, 'valid')
    start = int(scores.argmax())
    assert abs(start - 4000) <= 1152 + 529  # an mp3 frame, and the decoder's delay
    np.testing.assert_allclose(others[start:start + 8000], window, atol=1e-3)


def test_samples_are_those_of_decord(tmp_path: Path) -> None:
    decord = pytest.importorskip('decord')
    path = write(tmp_path / 'ravdess.mp4')
    samples, rate_hz = VideoFile(str(path)).audio()
    others = decord.AudioReader(str(path), mono=True)[:].asnumpy()[0]
    assert rate_hz == 48000 and abs(len(samples) - len(others)) <= 2048
    length = min(len(samples), len(others)) - 2048
    np.testing.assert_allclose(samples[:length], others[:length], atol=1e-3)
