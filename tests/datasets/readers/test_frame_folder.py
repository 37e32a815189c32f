from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile

from claip_emo_mm.datasets.readers import FrameFolder
from claip_emo_mm.errors import InputError


def write_image(path: Path, colour: tuple[int, int, int], size: int = 8) -> None:
    cv2.imwrite(str(path), np.full((size, size, 3), colour[::-1], np.uint8))


def test_natural_order_colours_and_other_files(tmp_path: Path) -> None:
    for number, suffix in ((10, 'png'), (2, 'png'), (1, 'PNG')):
        write_image(tmp_path / f'{number}.{suffix}', (number, 100, 200))
    (tmp_path / 'notes.txt').touch()
    clip = FrameFolder(str(tmp_path))
    assert (clip.num_frames, clip.has_sound, clip.duration_s) == (3, False, None)
    frames = clip.decode(np.array([0, 1, 2]))
    assert frames.shape == (3, 8, 8, 3)
    assert frames[:, 0, 0].tolist() == [[1, 100, 200], [2, 100, 200], [10, 100, 200]]


def test_frames_of_different_sizes(tmp_path: Path) -> None:
    write_image(tmp_path / '1.png', (1, 2, 3), size=8)
    write_image(tmp_path / '2.png', (1, 2, 3), size=9)
    assert [frame.shape for frame in FrameFolder(str(tmp_path)).decode(np.array([0, 1]))] == [(8, 8, 3), (9, 9, 3)]


def test_sound_of_two_channels_is_averaged(tmp_path: Path) -> None:
    write_image(tmp_path / '1.png', (1, 2, 3))
    left, right = np.full(50, 0.5), np.full(50, -0.25)
    soundfile.write(tmp_path / 'sound.wav', np.stack([left, right], axis=1), 100, subtype='FLOAT')
    clip = FrameFolder(str(tmp_path), str(tmp_path / 'sound.wav'))
    samples, sample_rate_hz = clip.sound()
    assert (sample_rate_hz, samples.shape, samples.dtype) == (100, (50,), np.float32)
    np.testing.assert_allclose(samples, 0.125)
    assert clip.duration_s == 0.5


def test_no_folder_and_no_frames(tmp_path: Path) -> None:
    with pytest.raises(InputError, match='gone: there is no such folder of frames'):
        FrameFolder(str(tmp_path / 'gone'))
    with pytest.raises(InputError, match='no frame found; expected .jpg'):
        FrameFolder(str(tmp_path))


@pytest.mark.parametrize('suffix', ['jpg', 'png'])
def test_a_frame_that_is_cut_off(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f'1.{suffix}'
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputError, match=rf'1\.{suffix}: an image of \d+ bytes that cannot be decoded'):
        FrameFolder(str(tmp_path)).decode(np.array([0]))


@pytest.mark.parametrize(('name', 'message'), [
    ('gone.wav', 'no such sound file'),
    ('empty.mp4', r'empty \(0 bytes\)'),
    ('half.wav', r'cut off: \d+ bytes found, \d+ expected'),
    ('text.mp4', 'no sound that can be read'),
])
def test_bad_sound(media: Path, name: str, message: str) -> None:
    clip = FrameFolder(str(media / 'frames'), str(media / name))
    with pytest.raises(InputError, match=message):
        clip.sound()


def test_sound_without_samples(media: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / 'none.wav', np.zeros(0), 16000)
    with pytest.raises(InputError, match='0 samples'):
        FrameFolder(str(media / 'frames'), str(tmp_path / 'none.wav')).sound()
