"""Audio files, and the protocol of clip readers."""
import os
from collections.abc import Sequence
from typing import Protocol

import av
import numpy as np
import soundfile

from claip_emo_mm.errors import InputError
from claip_emo_mm.media.audio_signal import ToSamples, check_finite, mix_down
from claip_emo_mm.media.containers import PREPARE_HINT, best_stream, check_file, decode_stream, open_media
from claip_emo_mm.media.packets import FilePackets, missing_end
from claip_emo_mm.utils.file_errors import reading


class ClipReader(Protocol):
    """An opened clip; frames and audio are read on demand.

    Attributes:
        path: file or folder of the frames, for messages.
        num_frames: number of frames, at least 1.
        duration_s: length; None where the files do not state it.
        has_frames, has_audio: whether `decode` and `audio` have something to read.
        audio_note: remark on the audio, once it was read; '' for none.
    """

    path: str
    num_frames: int
    duration_s: float | None
    has_frames: bool
    has_audio: bool
    audio_note: str

    def decode(self, indices: np.ndarray) -> np.ndarray | Sequence[np.ndarray]:
        """Read frames of (U,) ascending, distinct indices: (U, H, W, 3) uint8 RGB; a list where their sizes differ."""
        ...

    def audio(self) -> tuple[np.ndarray, int]:
        """Read all audio, mixed by `mix_down`: samples (n,) float32 in -1..1, and their rate in Hz."""
        ...


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
        """Raise an `InputError`: there are no frames."""
        raise InputError(f'{self.path}: an audio file has no frames. Take DecodeFrames out of the pipeline.')

    def audio(self) -> tuple[np.ndarray, int]:
        """Read the audio; see `ClipReader.audio`."""
        samples, self.audio_note, sample_rate_hz = read_audio_file(self.path)
        return samples, sample_rate_hz


def read_audio_file(path: str) -> tuple[np.ndarray, str, int]:
    """Read an audio file: samples (n,) float32 in -1..1 mixed by `mix_down`, a remark on them, and their rate in Hz.

    A cut is not found in an mp3 file that does not state its length.
    """
    _check_complete(path)
    try:
        samples, sample_rate_hz = soundfile.read(os.fsencode(path), dtype='float32', always_2d=True)  # (n, channels)
    except soundfile.LibsndfileError:
        samples, sample_rate_hz = _decode(path)
    _check_length(path, len(samples))
    mixed = mix_down(samples)
    check_finite(mixed.samples, path, PREPARE_HINT)
    return *mixed, sample_rate_hz


def audio_duration_s(path: str) -> float:
    """Length that the file's header states; raises as `read_audio_file` does."""
    _check_complete(path)
    try:
        info = soundfile.info(os.fsencode(path))
        num_samples, sample_rate_hz = info.frames, info.samplerate
    except soundfile.LibsndfileError:
        samples, sample_rate_hz = _decode(path)
        num_samples = len(samples)
    _check_length(path, num_samples)
    return num_samples / sample_rate_hz


def _decode(path: str) -> tuple[np.ndarray, int]:
    """Read formats that libsndfile does not know, such as m4a and wma: samples (n, channels), and their rate."""
    to_samples = ToSamples()
    try:
        missing = FilePackets(path, PREPARE_HINT).missing()
        with open_media(path, PREPARE_HINT) as container:
            stream = best_stream(container, 'audio')
            chunks = [] if stream is None else [
                chunk for frame in decode_stream(container, stream) for chunk in to_samples(frame)]
            if not chunks:
                raise InputError(f'{path}: no audio in it. {PREPARE_HINT}')
            samples, sample_rate_hz = np.concatenate(chunks), stream.rate
    except InputError:
        raise
    except (av.error.FFmpegError, ValueError) as error:
        found = getattr(error, 'strerror', None) or error
        raise InputError(f'{path}: no audio that can be read ({found}). {PREPARE_HINT}') from error
    if missing:
        raise InputError(f'{path}: the audio file is cut off: {missing}. {PREPARE_HINT}')
    return samples, sample_rate_hz


def _check_length(path: str, num_samples: int) -> None:
    if not num_samples:
        raise InputError(f'{path}: the audio has 0 samples. {PREPARE_HINT}')


def _check_complete(path: str) -> None:
    """Compare a wav, ogg or mp3 file with the length that it states: a cut one reads without an error, only shorter."""
    check_file(path, PREPARE_HINT)
    try:
        with reading(path):
            missing = missing_end(path)
    except av.error.FFmpegError as error:
        raise InputError(f'{path}: no audio that can be read ({error.strerror}). {PREPARE_HINT}') from error
    if missing:
        raise InputError(f'{path}: the audio file is cut off: {missing}. {PREPARE_HINT}')
