"""A single image as a recording of one frame."""
import os
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from claip_emo_mm.errors import InputError
from claip_emo_mm.media.containers import check_file
from claip_emo_mm.media.stream import LARGEST_SIDE, ArrayStream
from claip_emo_mm.media.video import shrink
from claip_emo_mm.utils.file_errors import reading

IMAGE_SUFFIXES = ('.bmp', '.jfif', '.jpeg', '.jpg', '.png', '.tif', '.tiff', '.webp')
_FPS = 24  # the frame is shown for 1 / 24 s, the shortest time that a window has
_FORMATS = ('BMP', 'JPEG', 'PNG', 'TIFF', 'WEBP')  # Pillow runs other programs for some of its others
_HINT = 'Save it again as jpg or png.'


def open_image(path: str) -> ArrayStream:
    """Read an image, upright as its EXIF orientation says, as a recording of one frame without audio.

    Raises:
        InputError: the file is missing, or is no image.
    """
    check_file(path, _HINT)
    with reading(path):
        data = Path(path).read_bytes()
    try:
        with Image.open(BytesIO(data), formats=_FORMATS) as image:
            frame = np.array(ImageOps.exif_transpose(image).convert('RGB'))  # (H, W, 3)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f'{path}: no image can be read from it ({error}). {_HINT}') from error
    return ArrayStream(shrink(frame, LARGEST_SIDE / max(frame.shape[:2]))[None], _FPS, name=os.fspath(path))
