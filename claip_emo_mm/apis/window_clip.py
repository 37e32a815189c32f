"""Contents of a window: buffered audio, a clip for the test pipeline."""
from collections import deque
from collections.abc import Sequence

import numpy as np

from claip_emo_mm.errors import InputError
from claip_emo_mm.media.audio_signal import Mixdown, mix_down
from claip_emo_mm.media.stream import LONGEST_GAP_S, MediaStream
from claip_emo_mm.structures import ENVELOPE_HZ

_TOLERANCE_S = .05  # times are coarser than samples in some containers


class AudioBuffer:
    """Reads a source's audio as far as it is needed, and drops what is behind.

    Packets are kept as they came: samples are copied once per window, not for every packet.

    Args:
        source: what is read.
        keeps_envelope: whether `envelope` is made, which grows with the length.
    """

    def __init__(self, source: MediaStream, keeps_envelope: bool = True) -> None:
        self._keeps_envelope = keeps_envelope
        self._source = source
        self._packets = source.audio() if source.has_audio else iter(())
        self._kept: deque[np.ndarray] = deque()  # consecutive (n, channels) float32 each
        self._start = 0  # number of the first sample that is kept
        self._end = 0  # of the one behind the last that was read
        self.rate_hz = 0  # before any audio is read
        self.envelope: list[float] = []  # loudest sample of any channel in every 1 / ENVELOPE_HZ s

    @property
    def end_s(self) -> float:
        """Time up to which audio was read."""
        return self._end / self.rate_hz if self.rate_hz else 0.

    def read_until(self, time_s: float) -> None:
        """Read on until the audio reaches a time, or ends."""
        while self.end_s < time_s:
            packet = next(self._packets, None)
            if packet is None:
                return
            self._append(*packet)

    def cut(self, start_s: float, end_s: float) -> Mixdown | None:
        """Mix the channels of a window as those of a clip, so that it equals training; None if there is no audio."""
        self.read_until(end_s)
        start = max(round(start_s * self.rate_hz), self._start)
        end = min(round(end_s * self.rate_hz), self._end)
        if end <= start:
            return None
        return mix_down(np.concatenate(list(self._kept))[start - self._start:end - self._start])

    def forget(self, before_s: float) -> None:
        """Drop the packets that end before a time."""
        while self._kept and self._start + len(self._kept[0]) <= before_s * self.rate_hz:
            self._start += len(self._kept.popleft())

    def _append(self, time_s: float, samples: np.ndarray, rate_hz: int) -> None:
        gap_s = time_s - self._end / rate_hz
        if self.rate_hz not in (0, rate_hz) or gap_s > LONGEST_GAP_S:
            what = (f'changes its rate at {time_s:.1f} s' if self.rate_hz not in (0, rate_hz) else
                    f'jumps from {self.end_s:.1f} to {time_s:.1f} s')
            self._source.warnings.append(f'the audio {what}; the rest was not read')
            self._packets = iter(())
            return
        self.rate_hz = rate_hz
        if gap_s > _TOLERANCE_S:
            samples = np.pad(samples, ((round(gap_s * rate_hz), 0), (0, 0)))
        elif gap_s < -_TOLERANCE_S:  # audio before the beginning, or twice
            samples = samples[round(-gap_s * rate_hz):]
        if not len(samples):
            return
        if self._keeps_envelope:
            self._extend_envelope(samples, rate_hz)
        self._kept.append(np.asarray(samples, np.float32))
        self._end += len(samples)

    def _extend_envelope(self, samples: np.ndarray, rate_hz: int) -> None:
        places = (self._end + np.arange(len(samples))) * ENVELOPE_HZ // rate_hz
        self.envelope.extend([0.] * (int(places[-1]) + 1 - len(self.envelope)))
        cuts = np.flatnonzero(np.diff(places, prepend=places[0] - 1))
        for place, loudest in zip(places[cuts], np.maximum.reduceat(np.abs(samples).max(axis=1), cuts), strict=True):
            self.envelope[place] = max(self.envelope[place], float(loudest))


class WindowClip:
    """A `ClipReader` of a window's N frames (H, W, 3) uint8 RGB, evenly spaced in time, and (n,) float32 samples."""

    def __init__(self, path: str, frames: Sequence[np.ndarray], samples: np.ndarray | None, sample_rate_hz: int,
                 duration_s: float, audio_note: str = '') -> None:
        self.path = path
        self.duration_s = duration_s
        self.audio_note = audio_note
        self.has_frames = len(frames) > 0
        self.has_audio = samples is not None and len(samples) > 0
        self.num_frames = max(len(frames), 1)
        self._frames, self._samples, self._sample_rate_hz = frames, samples, sample_rate_hz

    def decode(self, indices: np.ndarray) -> Sequence[np.ndarray]:
        if not self.has_frames:
            raise InputError(f'{self.path}: no frames in this window.')
        chosen = [self._frames[index] for index in indices]
        return np.stack(chosen) if len({frame.shape for frame in chosen}) == 1 else chosen

    def audio(self) -> tuple[np.ndarray, int]:
        if not self.has_audio:
            raise InputError(f'{self.path}: no audio in this window.')
        return self._samples, self._sample_rate_hz
