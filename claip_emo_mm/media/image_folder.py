"""Clips as a folder of image files and an audio file."""
import os
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal

import cv2
import numpy as np

from claip_emo_mm.errors import InputError
from claip_emo_mm.media.audio import audio_duration_s, read_audio_file
from claip_emo_mm.media.containers import PREPARE_HINT
from claip_emo_mm.utils.file_errors import check_pointer, reading

FRAME_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp')


class FrameFolder:
    """A folder of images, in the natural order of their names (see `natural_order`), with or without an audio file.

    Args:
        frame_dir: folder of jpg, png or bmp files; others, and hidden ones, are ignored.
        audio_path: wav, flac, ogg or mp3 file.
        filename_tmpl: template of the names, such as 'img_{:05}.jpg'; other images are ignored.
    Raises:
        InputError: there is no such folder, it cannot be read, or there is no image in it.
    """

    has_frames = True

    def __init__(self, frame_dir: str, audio_path: str | None = None, filename_tmpl: str | None = None) -> None:
        if not os.path.isdir(frame_dir):
            raise InputError(f'{frame_dir}: there is no such folder of frames. {PREPARE_HINT}')
        with reading(frame_dir):
            names = [name for name in os.listdir(frame_dir)
                     if name.lower().endswith(FRAME_SUFFIXES) and not name.startswith('.')]
        if filename_tmpl is not None:
            before, after = re.split(r'{.*}', filename_tmpl, maxsplit=1)
            names = [name for name in names if re.fullmatch(rf'{re.escape(before)}\d+{re.escape(after)}', name)]
        if not names:
            expected = f'{", ".join(FRAME_SUFFIXES)} files' if filename_tmpl is None else f'files like {filename_tmpl}'
            raise InputError(f'{frame_dir}: no frame found; expected {expected}. {PREPARE_HINT}')
        self.path = frame_dir
        self.names = natural_order(names)
        self.num_frames = len(names)
        self._audio_path = audio_path
        self.has_audio = bool(audio_path)
        self.audio_note = ''

    @property
    def duration_s(self) -> float | None:
        return audio_duration_s(self._audio_path) if self._audio_path else None

    def decode(self, indices: np.ndarray) -> np.ndarray | list[np.ndarray]:
        """Read frames; see `ClipReader.decode`."""
        frames = None
        for place, index in enumerate(indices):
            image = self._decode(index)
            if frames is None:
                frames = np.empty((len(indices), *image.shape), np.uint8)
            if image.shape != frames.shape[1:]:
                return [cv2.cvtColor(self._decode(index), cv2.COLOR_BGR2RGB) for index in indices]
            cv2.cvtColor(image, cv2.COLOR_BGR2RGB, dst=frames[place])
        return frames

    def every_frame(self) -> Iterator[np.ndarray]:
        """Yield all frames in order, (H, W, 3) uint8 RGB, one in memory at a time."""
        for index in range(self.num_frames):
            yield cv2.cvtColor(self._decode(index), cv2.COLOR_BGR2RGB)

    def read_file(self, index: int) -> bytes:
        """Read the file of a frame; raise an `InputError` where it is empty or cut off."""
        path = self._file(index)
        with reading(path), open(path, 'rb') as file:
            data = file.read()
        # A cut jpg has no end mark behind its last scan; OpenCV 4.8 fills the rest with gray, without an error.
        if not data or data.startswith(b'\xff\xd8') and data.rfind(b'\xff\xd9') < max(data.rfind(b'\xff\xda'), 0):
            raise _broken(path, data)
        return data

    def _file(self, index: int) -> str:
        return os.path.join(self.path, self.names[index])

    def _decode(self, index: int) -> np.ndarray:
        """Decode a frame, (H, W, 3) uint8 BGR."""
        data = self.read_file(index)
        try:
            image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        except cv2.error:  # a header that states more than 2**30 pixels
            image = None
        if image is None:
            raise _broken(self._file(index), data)
        return image

    def audio(self) -> tuple[np.ndarray, int]:
        """Read the audio; see `ClipReader.audio`."""
        samples, self.audio_note, sample_rate_hz = read_audio_file(self._audio_path)
        return samples, sample_rate_hz


def natural_order(names: Iterable[str]) -> list[str]:
    """Sort names by the numbers in them: 2 before 10, and where they are times in seconds 0.04 before 0.12 before 0.4.

    A point between digits may also separate two numbers (scene 1.9, then 1.10); see `are_decimals`.
    """
    names = list(names)
    stems = [os.path.splitext(name)[0] for name in names]
    if len(set(map(len, stems))) == 1 and all(stem.isascii() and stem.isdigit() for stem in stems):
        return sorted(names)  # as most folders have it, in a tenth of the time
    number = re.compile(r'(\d+(?:\.\d+)?)' if are_decimals(names) else r'(\d+)')

    def key(name: str) -> tuple[list[str | Decimal], str]:
        parts = number.split(os.path.splitext(name)[0])  # text and numbers take turns
        return [Decimal(part) if index % 2 else part for index, part in enumerate(parts)], name

    return sorted(names, key=key)


def are_decimals(names: Iterable[str]) -> bool:
    """Whether points between digits are decimal points.

    Where the numbers behind the points are equally long, both orders are the same. Else they are decimals if one of
    them begins with 0 (0.04), or none of more than one digit ends with 0, as no program writes 0.10 beside 0.4; a count
    from 9 on has a 10. Names with several points (1.2.3) are no decimals.
    """
    runs = [run for name in names for run in re.findall(r'\d+(?:\.\d+)+', os.path.splitext(name)[0])]
    behind = [run.split('.', 1)[1] for run in runs]
    if any('.' in digits for digits in behind) or len(set(map(len, behind))) < 2:
        return False
    long = [digits for digits in behind if len(digits) > 1]
    return any(digits.startswith('0') for digits in long) or not any(digits.endswith('0') for digits in long)


def _broken(path: str, data: bytes) -> InputError:
    check_pointer(path)
    return InputError(f'{path}: an image of {len(data)} bytes that cannot be decoded: it is cut off, or no image. '
                      f'{PREPARE_HINT}')
