"""The audio of the windows that are open."""
from collections import deque

import numpy as np

from claip_emo_mm.media.audio_signal import Mixdown, mix_down
from claip_emo_mm.media.stream import LONGEST_GAP_S, MediaStream
from claip_emo_mm.structures import ENVELOPE_HZ


class AudioBuffer:
    """Reads a source's audio as far as it is needed, and forgets what is behind.

    What is kept are the packets as they came: a sample is copied for the windows that it is in, not for every packet.

    Args:
        source: where the audio comes from.

    Attributes:
        rate_hz: samples in a second; 0 where there is no audio.
        end_s: time up to which audio was read.
        envelope: loudest absolute sample of any channel in every 1 / `ENVELOPE_HZ` s.
    """

    def __init__(self, source: MediaStream) -> None:
        self._source = source
        self._chunks = source.audio() if source.has_audio else iter(())
        self._kept: deque[np.ndarray] = deque()  # (n, channels) float32 each, one behind the other
        self._first = 0  # number of the first sample that is kept
        self._end = 0  # of the one behind the last that was read
        self.rate_hz = 0
        self.envelope: list[float] = []

    @property
    def end_s(self) -> float:
        return self._end / self.rate_hz if self.rate_hz else 0.

    def read_until(self, time_s: float) -> None:
        """Read on until the audio reaches a time, or ends."""
        while self.end_s < time_s:
            chunk = next(self._chunks, None)
            if chunk is None:
                return
            self._append(*chunk)

    def cut(self, start_s: float, end_s: float) -> Mixdown | None:
        """Take the samples of a window that was not forgotten, its channels mixed; None where there is no audio in it.

        The window is mixed as if it were a clip, so that it is what a training on this part of the file hears.
        """
        self.read_until(end_s)
        start = max(round(start_s * self.rate_hz), self._first)
        end = min(round(end_s * self.rate_hz), self._end)
        if end <= start:
            return None
        parts, place = [], self._first
        for chunk in self._kept:
            if place < end and place + len(chunk) > start:
                parts.append(chunk[max(start - place, 0):end - place])
            place += len(chunk)
        return mix_down(np.concatenate(parts))

    def forget(self, before_s: float) -> None:
        """Drop what comes before a time, as far as whole packets do."""
        while self._kept and self._first + len(self._kept[0]) <= before_s * self.rate_hz:
            self._first += len(self._kept.popleft())

    def _append(self, time_s: float, samples: np.ndarray, rate_hz: int) -> None:
        if self.rate_hz and rate_hz != self.rate_hz:
            self._source.warnings.append(f'the audio changes its rate at {time_s:.1f} s; the rest was not read')
            self._chunks = iter(())
            return
        self.rate_hz = rate_hz
        gap_s = time_s - self.end_s
        if gap_s > LONGEST_GAP_S:
            self._source.warnings.append(f'the audio jumps from {self.end_s:.1f} to {time_s:.1f} s; the rest was not '
                                         'read')
            self._chunks = iter(())
            return
        if gap_s > .05:  # times are coarser than samples in some containers
            samples = np.pad(samples, ((round(gap_s * rate_hz), 0), (0, 0)))
        elif gap_s < -.05:  # audio before the beginning, or twice
            samples = samples[round(-gap_s * rate_hz):]
        if not len(samples):
            return
        places = (self._end + np.arange(len(samples))) * ENVELOPE_HZ // rate_hz
        self.envelope.extend([0.] * (int(places[-1]) + 1 - len(self.envelope)))
        cuts = np.flatnonzero(np.diff(places, prepend=places[0] - 1))
        for place, loudest in zip(places[cuts], np.maximum.reduceat(np.abs(samples).max(axis=1), cuts), strict=True):
            self.envelope[place] = max(self.envelope[place], float(loudest))
        self._kept.append(np.asarray(samples, np.float32))
        self._end += len(samples)
