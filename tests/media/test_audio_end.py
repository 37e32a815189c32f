"""Audio files that were cut: what is missing is found out where the file says how long it is."""
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from claip_emo_mm.errors import InputError
from claip_emo_mm.media.packets import missing_end

RATE_HZ = 44100
SECONDS = 3
TONE = (.3 * np.sin(np.arange(SECONDS * RATE_HZ) * 2 * np.pi * 220 / RATE_HZ)).astype(np.float32)


def encode(path: Path, codec: str, rate_hz: int = RATE_HZ, **options: str) -> Path:
    with av.open(str(path), 'w', options=options) as container:
        stream = container.add_stream(codec, rate=rate_hz, layout='mono')
        frame = av.AudioFrame.from_ndarray((TONE * 32767).astype(np.int16)[None], format='s16', layout='mono')
        frame.sample_rate, frame.pts = rate_hz, 0
        container.mux([*stream.encode(frame), *stream.encode()])
    return path


def write(path: Path, rate_hz: int = RATE_HZ, **options: str) -> Path:
    soundfile.write(path, TONE, rate_hz, **options)
    return path


COMPLETE = {
    'xing.mp3': lambda path: encode(path, 'libmp3lame'),
    'slow.mp3': lambda path: encode(path, 'libmp3lame', 16000),
    'lame.mp3': write,
    'opus.ogg': lambda path: write(path, 48000, subtype='OPUS'),
    'vorbis.ogg': write,
    'pcm.wav': write,
    'large.wav': lambda path: write(path, format='RF64'),
}


@pytest.mark.parametrize('name', COMPLETE)
def test_cuts_at_all_places(tmp_path: Path, name: str) -> None:
    path = COMPLETE[name](tmp_path / name)
    data = path.read_bytes()
    assert missing_end(path) == ''
    for ratio in (.3, .5, .8, .95):
        cut = tmp_path / f'cut{path.suffix}'
        cut.write_bytes(data[:round(ratio * len(data))])
        missing = missing_end(cut)
        if path.suffix == '.wav':
            assert missing == f'{round(ratio * len(data))} bytes found, {len(data)} expected'
        elif path.suffix == '.ogg':
            assert missing == 'the page that ends the stream is not there'
        else:
            found_s, expected_s = (float(text.split()[0]) for text in missing.split(', '))
            seconds = len(TONE) / (16000 if name == 'slow.mp3' else RATE_HZ)
            assert found_s == pytest.approx(ratio * seconds, abs=.15 * seconds)
            assert expected_s == pytest.approx(seconds, abs=.06)


def test_an_ogg_file_whose_last_page_is_cut(tmp_path: Path) -> None:
    path = write(tmp_path / 'a.ogg', 48000, subtype='OPUS')
    path.write_bytes(path.read_bytes()[:-1])  # its head still says that it is the last
    assert missing_end(path)


def test_tags_before_and_behind_the_audio_are_no_audio(tmp_path: Path) -> None:
    path = encode(tmp_path / 'a.mp3', 'libmp3lame')
    tag = b'ID3\x04\0\0' + bytes([0, 0, 39, 16]) + bytes(39 * 128 + 16)
    path.write_bytes(tag + path.read_bytes() + b'TAG' + bytes(125))
    assert missing_end(path) == ''
    path.write_bytes(path.read_bytes()[:-9000])
    assert missing_end(path)


def test_files_that_do_not_say_how_long_they_are(tmp_path: Path) -> None:
    plain = encode(tmp_path / 'a.mp3', 'libmp3lame', write_xing='0')
    adts = encode(tmp_path / 'a.aac', 'aac')
    piped = write(tmp_path / 'a.wav')
    data = bytearray(piped.read_bytes())
    data[4:8] = b'\xff' * 4
    piped.write_bytes(data)
    for path in (plain, adts, piped):
        path.write_bytes(path.read_bytes()[:-3000])
        assert missing_end(path) is None
    for path in (encode(tmp_path / 'a.m4a', 'aac'), encode(tmp_path / 'a.flac', 'flac')):
        assert missing_end(path) == ''


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        missing_end(tmp_path / 'gone.mp3')
    noise = tmp_path / 'noise.mp3'
    noise.write_bytes(b'\xff\xfbXing' + bytes(range(256)) * 9)
    with pytest.raises((InputError, av.error.FFmpegError)):
        missing_end(noise)
