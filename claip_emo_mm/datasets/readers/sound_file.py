"""Sound files: wav, flac, ogg, mp3, and what else FFmpeg reads."""
import os
from typing import NamedTuple

import av
import numpy as np
import soundfile

from claip_emo_mm.datasets.readers.system_errors import reading
from claip_emo_mm.errors import InputError
from claip_emo_mm.media import FilePackets, audio_stream, decode_stream, open_media
from claip_emo_mm.media.audio_end import missing_end
from claip_emo_mm.media.mixdown import mix_down

_REMEDY = 'Prepare the clip again (tools/prepare_data.py), or take it out of the list.'


class Sound(NamedTuple):
    """What a sound file holds.

    Attributes:
        samples: (n,) float32 in -1..1, its channels mixed.
        note: what is to be known of them; '' for nothing.
        sample_rate_hz: their rate.
    """
    samples: np.ndarray
    note: str
    sample_rate_hz: int


def read_sound_file(path: str) -> Sound:
    """Read a sound file, its channels mixed; see `claip_emo_mm.media.mixdown.mix_down`.

    Raises:
        InputError: the file is missing, empty, cut off, or holds no sound or values that are not finite. An mp3 file
            that does not state its length may be cut off without being found out.
    """
    _check_whole(path)
    try:
        samples, sample_rate_hz = soundfile.read(os.fsencode(path), dtype='float32', always_2d=True)  # (n, channels)
    except soundfile.LibsndfileError:
        samples, sample_rate_hz = _decode(path)
    _check_length(path, len(samples))
    mixed = mix_down(samples)
    check_finite(mixed.samples, path, _REMEDY)
    return Sound(*mixed, sample_rate_hz)


def sound_duration_s(path: str) -> float:
    """Length that the file's header says.

    Raises:
        InputError: the file is missing, empty, holds no sound, or is cut off.
    """
    _check_whole(path)
    try:
        info = soundfile.info(os.fsencode(path))
    except soundfile.LibsndfileError:
        samples, sample_rate_hz = _decode(path)
        _check_length(path, len(samples))
        return len(samples) / sample_rate_hz
    _check_length(path, info.frames)
    return info.duration


def _decode(path: str) -> tuple[np.ndarray, int]:
    """Read what libsndfile does not know, such as m4a and wma: samples (n, channels), and their rate."""
    to_float = av.AudioResampler(format='flt')  # PyAV 18 crashes on the planes of more than 7 channels
    try:
        missing = FilePackets(path, _REMEDY).missing()
        with open_media(path, _REMEDY) as container:
            stream = audio_stream(container)
            chunks = [] if stream is None else [
                chunk.to_ndarray().reshape(-1, chunk.layout.nb_channels)
                for frame in decode_stream(container, stream) for chunk in to_float.resample(frame)]
            if not chunks:
                raise InputError(f'{path}: no sound in it. {_REMEDY}')
            samples, sample_rate_hz = np.concatenate(chunks), stream.rate
    except (av.error.FFmpegError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        found = getattr(error, 'strerror', None) or error
        raise InputError(f'{path}: no sound that can be read ({found}). {_REMEDY}') from error
    if missing is not None:
        raise InputError(f'{path}: the sound file is cut off: {missing[1]:.2f} s found, {missing[2]:.2f} s expected. '
                         f'{_REMEDY}')
    return samples, sample_rate_hz


def check_finite(samples: np.ndarray, path: str, remedy: str) -> None:
    """Check that samples, of any shape, are numbers: one that is not makes the loss of a whole batch NaN.

    Raises:
        InputError: some are infinite or NaN.
    """
    broken = samples.size - np.count_nonzero(np.isfinite(samples))
    if broken:
        raise InputError(f'{path}: {broken} of {samples.size} samples of the sound are infinite or NaN. {remedy}')


def _check_length(path: str, num_samples: int) -> None:
    if not num_samples:
        raise InputError(f'{path}: the sound has 0 samples. {_REMEDY}')


def _check_whole(path: str) -> None:
    """A wav, ogg or mp3 file that was cut off reads without an error, only shorter: compare it with what it says."""
    if not os.path.isfile(path):
        raise InputError(f'{path}: there is no such sound file. {_REMEDY}')
    if not os.path.getsize(path):
        raise InputError(f'{path}: the sound file is empty (0 bytes). {_REMEDY}')
    try:
        with reading(path):
            missing = missing_end(path)
    except av.error.FFmpegError as error:
        raise InputError(f'{path}: no sound that can be read ({error.strerror}). {_REMEDY}') from error
    if missing:
        raise InputError(f'{path}: the sound file is cut off: {missing}. {_REMEDY}')
