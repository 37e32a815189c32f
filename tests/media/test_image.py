"""Images as recordings of one frame."""
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from claip_emo_mm.errors import InputError
from claip_emo_mm.media.image import open_image


@pytest.mark.parametrize('name', ['a.png', 'a.bmp', 'a.webp', 'a.tiff', 'a_%03d.png'])
def test_one_frame(tmp_path: Path, name: str) -> None:
    pixels = np.random.default_rng(0).integers(256, size=(40, 60, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / name, lossless=True)
    stream = open_image(str(tmp_path / name))
    (time_s, frame), = stream.frames()
    np.testing.assert_array_equal(frame(), pixels)
    assert (time_s, stream.has_audio, stream.name) == (0, False, str(tmp_path / name))


def test_upright_and_of_a_size_that_is_worked_with(tmp_path: Path) -> None:
    pixels = np.zeros((30, 2400, 3), np.uint8)
    pixels[:, :1200] = 250
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    Image.fromarray(pixels).save(tmp_path / 'a.jpg', exif=exif)
    frame = open_image(str(tmp_path / 'a.jpg')).frames_array[0]
    assert frame.shape == (1920, 24, 3) and frame[:900].min() > 240 and frame[1020:].max() < 10


def test_gray_and_transparent(tmp_path: Path) -> None:
    Image.new('L', (8, 8), 77).save(tmp_path / 'a.png')
    Image.new('RGBA', (8, 8), (1, 2, 3, 0)).save(tmp_path / 'b.png')
    assert (open_image(str(tmp_path / 'a.png')).frames_array == 77).all()
    assert open_image(str(tmp_path / 'b.png')).frames_array.shape == (1, 8, 8, 3)


AGAIN = 'Save it again as jpg or png.'


@pytest.mark.parametrize(('content', 'message'), [
    (b'', f'the file is empty.*{AGAIN}'), (b'no image', f'no image can be read.*{AGAIN}'),
    (b'%!PS-Adobe-3.0 EPSF-3.0\n', f'no image can.*{AGAIN}'),
    (b'\x89PNG\r\n\x1a\n' + b'\0' * 40, f'no image can be read.*{AGAIN}'),
    (None, 'there is no such file. Expected a file of video, audio or an image: correct the name, or put it there')])
def test_no_image_is_one_line(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / 'a.png'
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=f'a.png: .*{message}') as error:
        open_image(str(path))
    assert '\n' not in str(error.value)


def test_half_an_image(tmp_path: Path) -> None:
    Image.fromarray(np.random.default_rng(0).integers(256, size=(90, 90, 3), dtype=np.uint8)).save(tmp_path / 'a.jpg')
    data = (tmp_path / 'a.jpg').read_bytes()
    (tmp_path / 'a.jpg').write_bytes(data[:len(data) // 2])
    with pytest.raises(InputError, match='a.jpg: no image can be read'):
        open_image(str(tmp_path / 'a.jpg'))
