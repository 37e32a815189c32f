"""Broken and odd inputs: each gives a result, with a warning where something is missing, or one clear error."""
import os
import signal
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from claip_emo_mm.apis import EmotionInferencer, EmotionResult, FaceBox
from claip_emo_mm.errors import InputError

CUTS = 20
RATE_HZ = 16000


class BrightSquares:
    """Finds what is drawn here: squares of pure red, green or blue."""

    def find(self, frame: np.ndarray) -> list[FaceBox]:
        found = []
        for channel in range(3):
            mask = (frame[..., channel] > 180) & (np.delete(frame, channel, axis=2).max(-1) < 90)
            if mask.sum() > 50:
                left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
                found.append(FaceBox(left, top, width, height, .9))
        return found


@pytest.fixture(scope='module')
def infer(checkpoint: Path) -> EmotionInferencer:
    return EmotionInferencer(checkpoint, detector=BrightSquares())


@pytest.fixture(autouse=True)
def no_hang() -> Iterator[None]:
    def stop(number: int, frame: object) -> None:
        raise AssertionError('hangs')
    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(120)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def write(path: Path, *, seconds: float = 1., fps: float = 25, size: tuple[int, int] = (64, 96), faces: int = 1,
          faces_until_s: float = 99., audio_s: float | None = None, rate_hz: int = RATE_HZ, layout: str = 'mono',
          times: list[float] | None = None, turned: int = 0, codecs: tuple[str, str] = ('libx264', 'aac'),
          has_frames: bool = True, tracks: int = 1, pixel_format: str = '') -> Path:
    """Write a video with squares for faces, and a tone."""
    height, width = size
    times = np.arange(round(seconds * fps)) / fps if times is None else times
    audio_s = seconds if audio_s is None else audio_s
    with av.open(str(path), 'w') as target:
        if has_frames:
            video = target.add_stream(codecs[0], rate=Fraction(fps).limit_denominator(1000))
            video.width, video.height, video.pix_fmt = width, height, pixel_format or (
                'yuv420p' if min(size) > 1 else 'yuv444p')
            video.codec_context.time_base = Fraction(1, 1000 if times is not None else fps)
            if turned:
                video.set_display_rotation(turned)
        if audio_s:
            audio_streams = [target.add_stream(codecs[1], rate=rate_hz, layout=layout) for _ in range(tracks)]
        if has_frames:
            for number, time_s in enumerate(times):
                image = np.full((height, width, 3), 40, np.uint8)
                for face in range(faces if time_s < faces_until_s else 0):
                    image[8:24, 4 + 30 * face:20 + 30 * face, face] = 255
                image[-3:, :number % width + 1] = 128
                frame = av.VideoFrame.from_ndarray(image, format='rgb24')
                frame.pts, frame.time_base = round(1000 * time_s), Fraction(1, 1000)
                target.mux(video.encode(frame))
            target.mux(video.encode(None))
        if audio_s:
            tone = .3 * np.sin(np.arange(round(audio_s * rate_hz)) * 2 * np.pi * 220 / rate_hz)
            channels = av.AudioLayout(layout).nb_channels
            frame = av.AudioFrame.from_ndarray(np.repeat((32767 * tone).astype(np.int16), channels)[None],
                                               format='s16', layout=layout)
            frame.sample_rate, frame.pts = rate_hz, 0
            for audio in audio_streams:
                target.mux(audio.encode(frame))
                target.mux(audio.encode(None))
    return path


# Name -> how it is written, and how the warnings must begin.
ODD = {
    'usual.mp4': ({}, []),
    '名 字 笑.mp4': ({}, []),
    'one_frame.mp4': (dict(seconds=.04, audio_s=1.), ['no frames after 0.0 s: predicted from audio alone']),
    'one_pixel.mkv': (dict(size=(1, 1), codecs=('ffv1', 'aac')), ['no face']),
    'huge.mp4': (dict(size=(4320, 7680), seconds=.08, codecs=('mpeg4', 'aac')), ['no face']),
    'slow.mp4': (dict(fps=1, seconds=5), []),
    'fast.mp4': (dict(fps=240, seconds=.5), []),
    'variable.mp4': (dict(times=[0, .04, .5, .52, .9, 1.7, 1.74, 2.]), []),
    'turned.mp4': (dict(turned=90), []),
    'turned_back.mp4': (dict(turned=-90), []),
    'upside_down.mp4': (dict(turned=180), []),
    'low_rate.mp4': (dict(rate_hz=8000), []),
    'high_rate.mkv': (dict(rate_hz=96000, codecs=('libx264', 'pcm_s16le')), []),
    'stereo.mp4': (dict(layout='stereo'), []),
    'three_tracks.mkv': (dict(tracks=3), ['3 audio tracks: number 1 was read']),
    'ten_bits.mkv': (dict(pixel_format='yuv420p10le'), []),
    'clear.mov': (dict(codecs=('qtrle', 'aac'), pixel_format='argb'), []),
    'surround_5_1.mp4': (dict(layout='5.1'), []),
    'surround_7_1.mkv': (dict(layout='7.1', codecs=('libx264', 'pcm_s16le')), []),
    'short_audio.mp4': (dict(seconds=6, audio_s=1), []),
    'long_audio.mp4': (dict(seconds=1, audio_s=6), ['no frames after 1.0 s: predicted from audio alone']),
    'audio.wav': (dict(has_frames=False, codecs=('', 'pcm_s16le')), ['no frames']),
    'audio.mp3': (dict(has_frames=False, codecs=('', 'libmp3lame')), ['no frames']),
    'audio.m4a': (dict(has_frames=False), ['no frames']),
    'shot.mp4': (dict(audio_s=0.), ['no audio']),
    'no_face.mp4': (dict(faces=0), ['no face 0.0-']),
    'face_for_half.mp4': (dict(seconds=6, faces_until_s=3), ['no face 3.0-']),
    'three_faces.mp4': (dict(faces=3), []),
    'long.mp4': (dict(seconds=9.3), []),
    'old.avi': (dict(codecs=('mpeg4', 'libmp3lame')), []),
    'free.webm': (dict(codecs=('libvpx', 'libopus'), rate_hz=48000), []),
    'motion.mov': (dict(codecs=('mpeg4', 'pcm_s16le')), []),
    'stream.ts': ({}, []),
    'flash.flv': (dict(rate_hz=44100), []),
}


def check(result: EmotionResult) -> None:
    assert result.rows[0].from_s == 0 and result.rows[-1].to_s == result.duration_s
    for row in result.rows:
        assert sum(row.scores.values()) == pytest.approx(1, abs=1e-5)
        assert row.from_s < row.to_s


@pytest.mark.parametrize('name', ODD)
def test_odd_video(infer: EmotionInferencer, tmp_path: Path, name: str) -> None:
    options, warnings = ODD[name]
    result = infer.infer(write(tmp_path / name, **options), face='all')
    check(result)
    assert len(result.warnings) == len(warnings), result.warnings
    assert all(map(str.startswith, result.warnings, warnings))
    seconds = 2.04 if 'times' in options else options.get('seconds', 1.)
    longest = max(seconds if options.get('has_frames', True) else 0, options.get('audio_s', seconds))
    assert result.duration_s == pytest.approx(longest, abs=.35)
    assert [path.name for path in tmp_path.iterdir()] == [name]  # nothing is left over
    people = {row.person for row in result.rows} - {None}
    if not warnings:
        assert people == set(range(1, options.get('faces', 1) + 1))
    if options.get('turned') in (90, -90):  # in a frame of 64 x 96 that stands on its side
        left, top, width, height = next(row.box for row in result.rows)
        assert width == pytest.approx(16 / 64, abs=.07) and height == pytest.approx(16 / 96, abs=.07)


@pytest.mark.parametrize('cut', range(CUTS))
def test_cut_file(infer: EmotionInferencer, tmp_path: Path, cut: int) -> None:
    for suffix in ('mp4', 'mkv'):
        whole = write(tmp_path / f'whole.{suffix}', seconds=2).read_bytes()
        path = tmp_path / f'cut.{suffix}'
        path.write_bytes(whole[:len(whole) * cut // CUTS])
        try:
            result = infer.infer(path)
        except InputError as error:
            assert str(error).startswith(str(path))
        else:
            check(result)
            assert result.warnings or result.duration_s > 1.9  # nothing but an index was lost
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize(('name', 'content', 'message'), [
    ('empty.mp4', b'', 'empty'), ('text.mp4', b'this is no video\n' * 50, 'cannot be opened|an image or a text'),
    ('zeros.mp4', bytes(5000), 'cannot be opened'), ('noise.avi', bytes(range(256)) * 40, 'cannot be opened'),
    ('head.wav', b'RIFF\x24\x00\x00\x00WAVEfmt ', 'cannot be opened|holds neither|nothing in it'),
    ('page.webm', b'<html><body>404</body></html>', 'cannot be opened|an image or a text')])
def test_no_video(infer: EmotionInferencer, tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=f'{name}: .*({message})'):
        infer.infer(tmp_path / name)


def test_wrong_places_and_endings(infer: EmotionInferencer, tmp_path: Path) -> None:
    with pytest.raises(InputError, match='no video, audio or image in this folder'):
        infer(tmp_path)
    (tmp_path / 'folder.mp4').mkdir()
    os.mkfifo(tmp_path / 'pipe.mp4')
    for name, target in (('loop.mp4', 'loop.mp4'), ('dangling.mp4', 'nowhere.mp4')):
        (tmp_path / name).symlink_to(target)
    for name, message in (('gone.mp4', 'there is no such file'), ('folder.mp4', 'no ordinary file'),
                          ('pipe.mp4', 'no ordinary file'), ('loop.mp4', 'leads nowhere'),
                          ('dangling.mp4', 'leads nowhere')):
        with pytest.raises(InputError, match=f'{name}: .*{message}'):
            infer.infer(tmp_path / name)
    video = write(tmp_path / 'a.mp4')
    renamed = video.rename(tmp_path / 'a.wav')  # the content counts
    check(infer.infer(renamed))
    cv2.imwrite(str(tmp_path / 'still.png'), np.zeros((8, 8, 3), np.uint8))
    (tmp_path / 'still.png').rename(tmp_path / 'still.mp4')
    with pytest.raises(InputError, match='still.mp4: an image or a text'):
        infer.infer(tmp_path / 'still.mp4')


def test_a_folder_that_cannot_be_read(infer: EmotionInferencer, tmp_path: Path,
                                      monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object) -> list[str]:
        raise PermissionError(13, 'Permission denied', str(path))
    monkeypatch.setattr(os, 'listdir', refuse)  # root may read everything
    with pytest.raises(InputError, match=rf'{tmp_path}: cannot be read \(Permission denied\)'):
        infer(tmp_path)
