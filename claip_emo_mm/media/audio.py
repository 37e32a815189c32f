"""Audio files."""
import os
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import av
import numpy as np
import soundfile

from claip_emo_mm.errors import InputError
from claip_emo_mm.media.audio_signal import mix_down
from claip_emo_mm.media.containers import audio_stream, decode_stream, open_media
from claip_emo_mm.media.packets import FilePackets, missing_end
from claip_emo_mm.utils.file_errors import reading


class ClipReader(Protocol):
    """An opened clip; frames and audio are read when asked for.

    Attributes:
        path: file or folder of the frames, for messages.
        num_frames: number of frames, at least 1.
        duration_s: length; None where the files do not say.
        has_frames: whether `decode` has something to read.
        has_audio: whether `audio` has.
        audio_note: what is to be known of the audio, once it was read; '' for nothing.
    """

    path: str
    num_frames: int
    duration_s: float | None
    has_frames: bool
    has_audio: bool
    audio_note: str

    def decode(self, indices: np.ndarray) -> np.ndarray | Sequence[np.ndarray]:
        """Read the frames of (U,) ascending, distinct indices.

        Returns: (U, H, W, 3) uint8, RGB; a list of (H, W, 3) where their sizes differ.
        """
        ...

    def audio(self) -> tuple[np.ndarray, int]:
        """Read the whole audio, its channels mixed; see `claip_emo_mm.media.audio_signal.mix_down`.

        Returns: samples (n,) float32 in -1..1, and their rate in Hz.
        """
        ...


_REMEDY = 'Prepare the clip again (tools/prepare_data.py), or take it out of the list.'


class Waveform(NamedTuple):
    """What an audio file holds.

    Attributes:
        samples: (n,) float32 in -1..1, its channels mixed.
        note: what is to be known of them; '' for nothing.
        sample_rate_hz: their rate.
    """
    samples: np.ndarray
    note: str
    sample_rate_hz: int


def read_audio_file(path: str) -> Waveform:
    """Read an audio file, its channels mixed; see `claip_emo_mm.media.audio_signal.mix_down`.

    Raises:
        InputError: the file is missing, empty, cut off, or holds no audio or values that are not finite. An mp3 file
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
    return Waveform(*mixed, sample_rate_hz)


def audio_duration_s(path: str) -> float:
    """Length that the file's header says.

    Raises:
        InputError: the file is missing, empty, holds no audio, or is cut off.
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
                raise InputError(f'{path}: no audio in it. {_REMEDY}')
            samples, sample_rate_hz = np.concatenate(chunks), stream.rate
    except (av.error.FFmpegError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        found = getattr(error, 'strerror', None) or error
        raise InputError(f'{path}: no audio that can be read ({found}). {_REMEDY}') from error
    if missing is not None:
        raise InputError(f'{path}: the audio file is cut off: {missing[1]:.2f} s found, {missing[2]:.2f} s expected. '
                         f'{_REMEDY}')
    return samples, sample_rate_hz


def check_finite(samples: np.ndarray, path: str, remedy: str) -> None:
    """Check that samples, of any shape, are numbers: one that is not makes the loss of a whole batch NaN.

    Raises:
        InputError: some are infinite or NaN.
    """
    broken = samples.size - np.count_nonzero(np.isfinite(samples))
    if broken:
        raise InputError(f'{path}: {broken} of {samples.size} samples of the audio are infinite or NaN. {remedy}')


def _check_length(path: str, num_samples: int) -> None:
    if not num_samples:
        raise InputError(f'{path}: the audio has 0 samples. {_REMEDY}')


def _check_whole(path: str) -> None:
    """A wav, ogg or mp3 file that was cut off reads without an error, only shorter: compare it with what it says."""
    if not os.path.isfile(path):
        raise InputError(f'{path}: there is no such audio file. {_REMEDY}')
    if not os.path.getsize(path):
        raise InputError(f'{path}: the audio file is empty (0 bytes). {_REMEDY}')
    try:
        with reading(path):
            missing = missing_end(path)
    except av.error.FFmpegError as error:
        raise InputError(f'{path}: no audio that can be read ({error.strerror}). {_REMEDY}') from error
    if missing:
        raise InputError(f'{path}: the audio file is cut off: {missing}. {_REMEDY}')


class AudioFile:
    """A wav, flac, ogg or mp3 file as a clip, such as MMAction2's AudioDataset lists them.

    Args:
        audio_path: the file.
        num_frames: frames of the video that it belongs to, which views are counted in.

    Raises:
        InputError: the file is missing, empty, cut off, or holds no audio.
    """

    has_frames = False
    has_audio = True

    def __init__(self, audio_path: str, num_frames: int) -> None:
        self.path = audio_path
        self.num_frames = max(num_frames, 1)
        self.audio_note = ''
        self.duration_s = audio_duration_s(audio_path)

    def decode(self, indices: np.ndarray) -> np.ndarray:
        """Refuse: there are no frames.

        Raises:
            InputError: always.
        """
        raise InputError(f'{self.path}: an audio file has no frames. Take DecodeFrames out of the pipeline.')

    def audio(self) -> tuple[np.ndarray, int]:
        """Read the audio; see `ClipReader.audio`."""
        samples, self.audio_note, sample_rate_hz = read_audio_file(self.path)
        return samples, sample_rate_hz
