"""Sound files: wav, flac, ogg and mp3."""
import os

import numpy as np
import soundfile

from claip_emo_mm.datasets.readers.system_errors import reading
from claip_emo_mm.errors import InputError

_REMEDY = 'Prepare the clip again (tools/prepare_data.py), or take it out of the list.'
_UNKNOWN_SIZE = 0xFFFFFFFF  # what a wav file that was written into a pipe says


def read_sound_file(path: str) -> tuple[np.ndarray, int]:
    """Read a sound file, its channels averaged.

    Returns: samples (n,) float32 in -1..1, and their rate in Hz.

    Raises:
        InputError: the file is missing, empty, holds no sound or values that are not finite, or is a wav or flac file
            that is cut off; of ogg and mp3 what is there is read.
    """
    _check_whole(path)
    try:
        samples, sample_rate_hz = soundfile.read(path, dtype='float32', always_2d=True)  # (n, channels)
    except soundfile.LibsndfileError as error:
        raise InputError(f'{path}: no sound that can be read ({error.error_string}); expected wav, flac, ogg or mp3. '
                         f'{_REMEDY}') from error
    _check_length(path, len(samples))
    samples = samples.mean(axis=1)
    check_finite(samples, path, _REMEDY)
    return samples, sample_rate_hz


def sound_duration_s(path: str) -> float:
    """Length that the file's header says.

    Raises:
        InputError: the file is missing, empty, holds no sound, or is a wav file that is cut off.
    """
    _check_whole(path)
    try:
        info = soundfile.info(path)
    except soundfile.LibsndfileError as error:
        raise InputError(f'{path}: no sound that can be read ({error.error_string}). {_REMEDY}') from error
    _check_length(path, info.frames)
    return info.duration


def check_finite(samples: np.ndarray, path: str, remedy: str) -> None:
    """Check that the samples (n,) are numbers: one that is not makes the loss of a whole batch NaN.

    Raises:
        InputError: some are infinite or NaN.
    """
    broken = len(samples) - np.count_nonzero(np.isfinite(samples))
    if broken:
        raise InputError(f'{path}: {broken} of {len(samples)} samples of the sound are infinite or NaN. {remedy}')


def _check_length(path: str, num_samples: int) -> None:
    if not num_samples:
        raise InputError(f'{path}: the sound has 0 samples. {_REMEDY}')


def _check_whole(path: str) -> None:
    """A wav file that was cut off reads without an error, only shorter: compare its size with what it says."""
    if not os.path.isfile(path):
        raise InputError(f'{path}: there is no such sound file. {_REMEDY}')
    with reading(path), open(path, 'rb') as file:
        head, size = file.read(8), os.path.getsize(path)
    if not size:
        raise InputError(f'{path}: the sound file is empty (0 bytes). {_REMEDY}')
    expected = 8 + int.from_bytes(head[4:], 'little')
    if head[:4] == b'RIFF' and size < expected < _UNKNOWN_SIZE:
        raise InputError(f'{path}: the sound file is cut off: {size} bytes found, {expected} expected. {_REMEDY}')
