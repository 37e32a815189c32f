"""The sound of the windows that are open."""
import numpy as np

from claip_emo_mm.apis.media_source import LONGEST_GAP_S, MediaSource

ENVELOPE_HZ = 10  # loudest samples that are kept for the picture, in a second


class SoundBuffer:
    """Reads a source's sound as far as it is needed, and forgets what is behind.

    Args:
        source: where the sound comes from.

    Attributes:
        rate_hz: samples in a second; 0 where there is no sound.
        end_s: time up to which sound was read.
        envelope: loudest absolute sample of every 1 / `ENVELOPE_HZ` s.
    """

    def __init__(self, source: MediaSource) -> None:
        self._source = source
        self._chunks = source.sound() if source.has_sound else iter(())
        self._samples = np.zeros(0, np.float32)
        self._first = 0  # number of the first sample that is kept
        self.rate_hz = 0
        self.envelope: list[float] = []

    @property
    def end_s(self) -> float:
        return (self._first + len(self._samples)) / self.rate_hz if self.rate_hz else 0.

    def read_until(self, time_s: float) -> None:
        """Read on until the sound reaches a time, or ends."""
        while self.end_s < time_s:
            chunk = next(self._chunks, None)
            if chunk is None:
                return
            self._append(*chunk)

    def cut(self, start_s: float, end_s: float) -> np.ndarray | None:
        """Take (n,) samples of a window that was not forgotten; None where there is no sound in it."""
        self.read_until(end_s)
        start = max(round(start_s * self.rate_hz) - self._first, 0)
        samples = self._samples[start:max(round(end_s * self.rate_hz) - self._first, 0)]
        return samples.copy() if len(samples) else None

    def forget(self, before_s: float) -> None:
        """Drop what comes before a time."""
        behind = min(max(int(before_s * self.rate_hz) - self._first, 0), len(self._samples))
        if behind > self.rate_hz:  # a second or more: what stays is copied
            self._samples = self._samples[behind:].copy()
            self._first += behind

    def _append(self, time_s: float, samples: np.ndarray, rate_hz: int) -> None:
        if self.rate_hz and rate_hz != self.rate_hz:
            self._source.warnings.append(f'the sound changes its rate at {time_s:.1f} s; the rest was not read')
            self._chunks = iter(())
            return
        self.rate_hz = rate_hz
        gap_s = time_s - self.end_s
        if gap_s > LONGEST_GAP_S:
            self._source.warnings.append(f'the sound jumps from {self.end_s:.1f} to {time_s:.1f} s; the rest was not '
                                         'read')
            self._chunks = iter(())
            return
        if gap_s > .05:  # times are coarser than samples in some containers
            samples = np.pad(samples, (round(gap_s * rate_hz), 0))
        elif gap_s < -.05:  # sound before the beginning, or twice
            samples = samples[round(-gap_s * rate_hz):]
        start = self._first + len(self._samples)
        places = (start + np.arange(len(samples))) * ENVELOPE_HZ // rate_hz
        if len(samples):
            self.envelope.extend([0.] * (int(places[-1]) + 1 - len(self.envelope)))
            cuts = np.flatnonzero(np.diff(places, prepend=places[0] - 1))
            for place, loudest in zip(places[cuts], np.maximum.reduceat(np.abs(samples), cuts), strict=True):
                self.envelope[place] = max(self.envelope[place], float(loudest))
        self._samples = np.concatenate([self._samples, samples.astype(np.float32)])
