import os
import shutil
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile
from sixty_files import media as write_media

from claip_emo_mm.errors import InputError
from claip_emo_mm.media.image_folder import FrameFolder, natural_order


def write_image(path: Path, color: tuple[int, int, int], size: int = 8) -> None:
    cv2.imwrite(str(path), np.full((size, size, 3), color[::-1], np.uint8))


def test_natural_order_colors_and_other_files(tmp_path: Path) -> None:
    for number, suffix in ((10, 'png'), (2, 'png'), (1, 'PNG')):
        write_image(tmp_path / f'{number}.{suffix}', (number, 100, 200))
    for name in ('notes.txt', '._2.png'):  # the latter is what macOS leaves on foreign disks
        (tmp_path / name).touch()
    clip = FrameFolder(str(tmp_path))
    assert (clip.num_frames, clip.has_audio, clip.duration_s) == (3, False, None)
    frames = clip.decode(np.array([0, 1, 2]))
    assert frames.shape == (3, 8, 8, 3)
    assert frames[:, 0, 0].tolist() == [[1, 100, 200], [2, 100, 200], [10, 100, 200]]


@pytest.mark.parametrize('ordered', [
    'img_2 img_10 img_11', '1①2 1①10 2①1', '٢ 10 ٣٠', 'a1b2 a1b10 a2b1',
    '0.04 0.12 0.4', '0 0.04 0.08 0.4 1 1.2 10.04', 't=0.5s t=0.75s t=1s', 'clip2_9.5 clip2_9.75 clip2_10.25',
    '1.9 1.10 1.11', 'frame_1.2 frame_1.9 frame_1.10 frame_2.1', 'v1.2.3 v1.2.30 v1.10.1', '1.02 1.10 1.20',
    '1 1.2', '01 1', '12345678901234567890 12345678901234567891'])
def test_numbers_in_names_are_ordered_by_value(ordered: str) -> None:
    names = [f'{stem}.jpg' for stem in ordered.split()]
    for given in (names, names[::-1], sorted(names, key=hash)):
        assert natural_order(given) == names


def test_names_of_other_numerals(tmp_path: Path) -> None:
    for number, name in enumerate(('1①2.png', '1①10.png', '²3.png'), 1):
        write_image(tmp_path / name, (number, 2, 3))
    clip = FrameFolder(str(tmp_path))
    assert clip.names == ['1①2.png', '1①10.png', '²3.png']
    assert clip.decode(np.array([0, 1, 2]))[:, 0, 0, 0].tolist() == [1, 2, 3]


def test_an_image_that_states_a_wrong_size(tmp_path: Path) -> None:
    write_image(tmp_path / '1.png', (1, 2, 3))
    data = bytearray((tmp_path / '1.png').read_bytes())
    data[16:24] = (60000).to_bytes(4, 'big') * 2  # width and height in the header
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, 'big')
    (tmp_path / '1.png').write_bytes(data)
    with pytest.raises(InputError, match=r'1\.png: an image of \d+ bytes that cannot be decoded'):
        FrameFolder(str(tmp_path)).decode(np.array([0]))


def test_frames_of_different_sizes(tmp_path: Path) -> None:
    write_image(tmp_path / '1.png', (1, 2, 3), size=8)
    write_image(tmp_path / '2.png', (1, 2, 3), size=9)
    assert [frame.shape for frame in FrameFolder(str(tmp_path)).decode(np.array([0, 1]))] == [(8, 8, 3), (9, 9, 3)]


def test_audio_of_two_channels_is_averaged(tmp_path: Path) -> None:
    write_image(tmp_path / '1.png', (1, 2, 3))
    left, right = np.full(50, 0.5), np.full(50, -0.25)
    soundfile.write(tmp_path / 'audio.wav', np.stack([left, right], axis=1), 100, subtype='FLOAT')
    clip = FrameFolder(str(tmp_path), str(tmp_path / 'audio.wav'))
    samples, sample_rate_hz = clip.audio()
    assert (sample_rate_hz, samples.shape, samples.dtype) == (100, (50,), np.float32)
    np.testing.assert_allclose(samples, 0.125)
    assert clip.duration_s == 0.5


def test_no_folder_and_no_frames(tmp_path: Path) -> None:
    with pytest.raises(InputError, match='gone: there is no such folder of frames'):
        FrameFolder(str(tmp_path / 'gone'))
    with pytest.raises(InputError, match='no frame found; expected .jpg'):
        FrameFolder(str(tmp_path))


@pytest.mark.parametrize('suffix', ['jpg', 'png'])
def test_an_image_that_is_cut_off(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f'1.{suffix}'
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputError, match=rf'1\.{suffix}: an image of \d+ bytes that cannot be decoded'):
        FrameFolder(str(tmp_path)).decode(np.array([0]))


def test_a_jpg_that_is_cut_off_behind_its_thumbnail(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    complete, small = (cv2.imencode('.jpg', part)[1].tobytes() for part in (image, image[:8, :8]))
    thumbnail = b'\xff\xe1' + (len(small) + 2).to_bytes(2, 'big') + small  # ends as a complete frame does
    clip = tmp_path / '1.jpg'
    clip.write_bytes(complete[:2] + thumbnail + complete[2:])
    assert FrameFolder(str(tmp_path)).decode(np.array([0])).shape == (1, 64, 64, 3)
    clip.write_bytes(clip.read_bytes()[:-200])
    with pytest.raises(InputError, match=r'1\.jpg: an image of \d+ bytes that cannot be decoded'):
        FrameFolder(str(tmp_path)).read_file(0)  # not all versions of OpenCV would say so


def test_what_the_system_does_not_let_us_read(tmp_path: Path) -> None:
    (tmp_path / '1.png').symlink_to(tmp_path / 'gone.png')
    (tmp_path / '2.png').mkdir()
    clip = FrameFolder(str(tmp_path))
    for index, reason in enumerate(('No such file or directory', 'Is a directory')):
        with pytest.raises(InputError, match=rf'{index + 1}\.png: cannot be read \({reason}\)'):
            clip.decode(np.array([index]))


@pytest.mark.parametrize(('name', 'message'), [
    ('gone.wav', 'no such file'),
    ('empty.mp4', r'empty \(0 bytes\)'),
    ('half.wav', r'cut off: \d+ bytes found, \d+ expected'),
    ('text.mp4', 'no audio that can be read'),
])
def test_bad_audio(media: Path, name: str, message: str) -> None:
    clip = FrameFolder(str(media / 'frames'), str(media / name))
    with pytest.raises(InputError, match=message):
        clip.audio()


@pytest.mark.parametrize(('name', 'container', 'codec'), [
    ('a.m4a', 'ipod', 'aac'), ('a.wma', 'asf', 'wmav2'), ('a.mka', 'matroska', 'flac'), ('a.aac', 'adts', 'aac'),
    ('a.wv', 'wv', 'wavpack'), ('a.opus', 'opus', 'libopus')])
def test_audio_files_of_other_formats(media: Path, tmp_path: Path, name: str, container: str, codec: str) -> None:
    (tmp_path / name).write_bytes(write_media(container, '', codec, seconds=1.))
    clip = FrameFolder(str(media / 'frames'), str(tmp_path / name))
    samples, sample_rate_hz = clip.audio()
    assert sample_rate_hz == 48000 and clip.duration_s == pytest.approx(1, abs=.07)
    assert len(samples) / 48000 == pytest.approx(1, abs=.07)
    assert np.abs(np.fft.rfft(samples[8000:40000])).argmax() * 1.5 == pytest.approx(48000 / 20 / 2 / np.pi, abs=3)
    assert np.abs(samples[8000:40000]).max() == pytest.approx(9000 / 32768, rel=.1)


def test_a_video_without_audio_is_no_audio_file(media: Path, tmp_path: Path) -> None:
    (tmp_path / 'a.m4a').write_bytes(write_media('mp4', 'mpeg4', ''))
    with pytest.raises(InputError, match='a.m4a: no audio in it'):
        FrameFolder(str(media / 'frames'), str(tmp_path / 'a.m4a')).audio()


def test_a_wav_file_that_was_written_into_a_pipe(media: Path, tmp_path: Path) -> None:
    data = bytearray((media / 'audio.wav').read_bytes())
    for start in (4, data.find(b'data') + 4):
        data[start:start + 4] = b'\xff' * 4  # its size was not known
    (tmp_path / 'pipe.wav').write_bytes(data)
    samples, complete = (FrameFolder(str(media / 'frames'), str(path)).audio()[0]
                      for path in (tmp_path / 'pipe.wav', media / 'audio.wav'))
    np.testing.assert_array_equal(samples, complete)


def test_audio_without_samples(media: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / 'none.wav', np.zeros(0), 16000)
    clip = FrameFolder(str(media / 'frames'), str(tmp_path / 'none.wav'))
    with pytest.raises(InputError, match='0 samples'):
        clip.audio()
    with pytest.raises(InputError, match='0 samples'):
        assert clip.duration_s


@pytest.mark.parametrize('value', [np.nan, np.inf])
def test_audio_with_a_sample_that_is_no_number(media: Path, tmp_path: Path, value: float) -> None:
    samples = np.zeros((9, 2), np.float32)
    samples[4, 1] = value
    soundfile.write(tmp_path / 'nan.wav', samples, 16000, subtype='FLOAT')
    with pytest.raises(InputError, match=r'nan\.wav: 1 of 9 samples of the audio are infinite or NaN'):
        FrameFolder(str(media / 'frames'), str(tmp_path / 'nan.wav')).audio()


@pytest.mark.parametrize('suffix', ['mp3', 'ogg'])
def test_compressed_audio_that_is_cut_off(media: Path, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f'a.{suffix}'
    options = dict(format='OGG', subtype='OPUS') if suffix == 'ogg' else {}
    soundfile.write(path, np.random.default_rng(0).uniform(-.5, .5, 48000), 16000, **options)
    clip = FrameFolder(str(media / 'frames'), str(path))
    assert len(clip.audio()[0]) == pytest.approx(48000, abs=2400) and clip.duration_s == pytest.approx(3, abs=.1)
    path.write_bytes(path.read_bytes()[:path.stat().st_size // 2])
    missing = dict(mp3=r'1\.\d\d s found, 3\.0\d s expected', ogg='the page that ends the stream is not there')
    with pytest.raises(InputError, match=rf'a\.{suffix}: the audio file is cut off: {missing[suffix]}'):
        clip.audio()
    with pytest.raises(InputError, match='cut off'):
        assert clip.duration_s


def test_a_name_that_is_not_in_utf_8(media: Path, tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b'/caf\xe9.wav')
    shutil.copy(media / 'audio.wav', path)
    clip, plain = (FrameFolder(str(media / 'frames'), audio) for audio in (path, str(media / 'audio.wav')))
    np.testing.assert_array_equal(clip.audio()[0], plain.audio()[0])
    assert clip.duration_s == pytest.approx(2., abs=.1)
