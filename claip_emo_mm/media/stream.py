"""Streaming of frames and audio from files and arrays."""
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import av
import numpy as np

from claip_emo_mm.errors import InputError, check_positive
from claip_emo_mm.media.audio_signal import ToSamples, check_finite
from claip_emo_mm.media.containers import CONVERT_HINT, best_stream, decode_stream, open_media, stated_duration_s
from claip_emo_mm.media.packets import missing_end
from claip_emo_mm.media.video import ToImage

LONGEST_GAP_S = 600.  # that a frame is shown, or between two packets of audio; a longer one is a wrong timestamp
LARGEST_SIDE = 1920  # pixels; larger frames are shrunk to this
_CHUNK_S = 1.  # of an array's audio
_ERRORS = (av.error.FFmpegError, OSError, ValueError)

TimedFrame = Callable[[], np.ndarray]  # returns the (H, W, 3) uint8 RGB frame, converted only on demand


class MediaStream(Protocol):
    """Frames and audio with times in seconds from the beginning."""

    name: str  # for messages
    duration_s: float | None  # stated length
    has_frames: bool
    has_audio: bool
    warnings: list[str]  # what was found wrong while reading

    def frames(self) -> Iterator[tuple[float, TimedFrame]]:
        """Yield the time from which a frame is shown, and the frame."""
        ...

    def audio(self) -> Iterator[tuple[float, np.ndarray, int]]:
        """Yield time, samples (n, channels) float32, and their rate in Hz."""
        ...


class FileStream:
    """A file that FFmpeg reads; frames and audio each through an opened file of their own.

    Args:
        path: the file.
    Raises:
        InputError: the file cannot be opened, or holds neither frames nor audio.
    """

    def __init__(self, path: str) -> None:
        self.name = path
        self.warnings: list[str] = []
        try:
            with open_media(path) as container:
                self.duration_s = stated_duration_s(container, path)
                self._origin_s = (container.start_time or 0) / 1e6
                audio = best_stream(container, 'audio')
                self.has_frames, self.has_audio = best_stream(container, 'video') is not None, audio is not None
                if audio and len(container.streams.audio) > 1:
                    place = container.streams.audio.index(audio) + 1
                    self.warnings.append(f'{len(container.streams.audio)} audio tracks: number {place} was read')
                self.missing_end = missing_end(path)  # '' for nothing, None where the file cannot tell
                if self.missing_end is None:
                    self.duration_s = None  # FFmpeg guesses it by the size
                    self.warnings.append('the file does not state its length: whether it was cut off cannot be told')
        except InputError:
            raise
        except _ERRORS as error:
            raise InputError(f'{path}: cannot be opened ({getattr(error, "strerror", None) or error}): it is cut off, '
                             f'not a video, or not readable for you. {CONVERT_HINT}') from error
        if not self.has_frames and not self.has_audio:
            raise InputError(f'{path}: holds neither frames nor audio. {CONVERT_HINT}')

    def frames(self) -> Iterator[tuple[float, TimedFrame]]:
        """Yield frames, rotated as the file says; see `MediaStream.frames`. Ends where decoding fails."""
        last_s, to_frame = 0., ToImage(LARGEST_SIDE)
        for frame in self._decode('video'):
            time_s = last_s if frame.time is None else max(frame.time - self._origin_s, last_s)
            last_s = time_s
            yield time_s, partial(to_frame, frame)

    def audio(self) -> Iterator[tuple[float, np.ndarray, int]]:
        """Yield audio; see `MediaStream.audio`. Ends where decoding fails; samples that are not finite are refused."""
        to_samples = ToSamples()
        for frame in self._decode('audio'):
            time_s = 0. if frame.time is None else frame.time - self._origin_s
            try:
                chunks = to_samples(frame)
            except _ERRORS as error:
                self.warnings.append(f'the audio changes its format at {time_s:.1f} s; the rest was not read ({error})')
                return
            for chunk in chunks:
                check_finite(chunk, f'{self.name}, at {time_s:.1f} s', CONVERT_HINT)
                yield time_s, chunk, frame.sample_rate

    def _decode(self, kind: str) -> Iterator[av.VideoFrame | av.AudioFrame]:
        reached_s = 0.
        try:
            with open_media(self.name) as container:
                for frame in decode_stream(container, best_stream(container, kind)):
                    reached_s = reached_s if frame.time is None else frame.time - self._origin_s
                    yield frame
        except _ERRORS as error:
            self.warnings.append(f'the {kind} cannot be decoded after {reached_s:.1f} s ({error})')


@dataclass
class ArrayStream:
    """A recording in memory.

    Args:
        frames_array: (T, H, W, 3) uint8 RGB, T at least 1; None for audio alone.
        fps: frames in a second.
        samples: (n,) or (channels, n) float32 in -1..1; None for no audio.
        sample_rate_hz: rate of the samples.
    Raises:
        InputError: an array has another shape or type, its rate is missing, or samples are infinite or NaN.
    """
    frames_array: np.ndarray | None
    fps: float | None = None
    samples: np.ndarray | None = None
    sample_rate_hz: int | None = None
    name: str = 'array'
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        frames, samples = self.frames_array, self.samples
        self.has_frames, self.has_audio = frames is not None, samples is not None
        if not self.has_frames and not self.has_audio:
            raise InputError('array: neither frames nor audio were given.')
        if self.has_frames:
            if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8 or not frames.size:
                raise InputError(f'array: frames are {frames.shape} {frames.dtype}. Expected (T, H, W, 3) uint8, RGB, '
                                 'with at least one frame.')
            check_positive('array', fps=self.fps)
        if self.has_audio:
            if samples.ndim not in (1, 2) or not samples.size or samples.dtype.kind != 'f':
                raise InputError(f'array: audio is {samples.shape} {samples.dtype}. Expected (n,) or (channels, n) '
                                 'float.')
            check_positive('array', sample_rate_hz=self.sample_rate_hz)
            check_finite(samples, 'array', 'Give numbers, -1 to 1.')
        self.duration_s = max(len(frames) / self.fps if self.has_frames else 0,
                              samples.shape[-1] / self.sample_rate_hz if self.has_audio else 0)

    def frames(self) -> Iterator[tuple[float, TimedFrame]]:
        """Yield frames; see `MediaStream.frames`."""
        for number, frame in enumerate(self.frames_array):
            yield number / self.fps, partial(np.asarray, frame)

    def audio(self) -> Iterator[tuple[float, np.ndarray, int]]:
        """Yield audio; see `MediaStream.audio`."""
        samples = self.channels()
        size = max(1, round(_CHUNK_S * self.sample_rate_hz))
        for start in range(0, len(samples), size):
            yield start / self.sample_rate_hz, samples[start:start + size], self.sample_rate_hz

    def channels(self) -> np.ndarray:
        """The samples (n, channels) float32."""
        return np.atleast_2d(self.samples).T.astype(np.float32, order='C', copy=False)
