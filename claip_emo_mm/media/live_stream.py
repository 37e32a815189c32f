"""Frames and audio of live sources, read by threads of their own; what is not asked for in time is dropped."""
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import av
import numpy as np

from claip_emo_mm.errors import InputError
from claip_emo_mm.media.audio_signal import ToSamples
from claip_emo_mm.media.live_sources import TIMEOUT_S, LiveSource
from claip_emo_mm.media.stream import LARGEST_SIDE, TimedFrame
from claip_emo_mm.media.video import ToImage

FRAMES_HZ = 24  # as many as windows take; a camera that gives more is thinned out
_KEPT_S = 2.  # of frames that wait
_KEPT_AUDIO = 500  # packets of audio that wait, of about 20 ms
_SILENCE_AFTER_S = 1.  # without audio, beside frames
_LARGEST_JUMP_S = 10.  # of timestamps; a larger one, or a step back of a second, is a new beginning
_STEP_BACK_S = 1.
_POLL_S = .1


class Waiting:
    """Items between two threads; of too many the oldest are dropped, and counted."""

    def __init__(self, most: int) -> None:
        self._items: deque[Any] = deque()
        self._most = most
        self._changed = threading.Condition()
        self._is_closed = False
        self.dropped = 0

    def put(self, item: Any) -> None:
        with self._changed:
            if len(self._items) == self._most:
                self._items.popleft()
                self.dropped += 1
            self._items.append(item)
            self._changed.notify_all()

    def close(self) -> None:
        """Let nobody wait any longer for what does not come."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    @property
    def is_closed(self) -> bool:
        """Whether nothing comes any more."""
        return self._is_closed and not self._items

    def get(self, timeout_s: float) -> Any | None:
        """The oldest item; None where none comes in time, or ever."""
        end = time.monotonic() + timeout_s
        with self._changed:
            while not self._items and not self._is_closed and (left := end - time.monotonic()) > 0:
                self._changed.wait(min(left, _POLL_S))  # short, so that Ctrl-C is not kept waiting
            return self._items.popleft() if self._items else None


class LiveStream:
    """A `MediaStream` of live sources; times count from the first frame or sample.

    Each source is read by a thread as fast as it sends. Frames wait for at most 2 s, then the oldest are dropped. Where
    audio stays away while frames come, silence takes its place. Use it as a context manager.

    Args:
        sources: a camera, a microphone, a stream; frames and audio are taken from the first that has them.
    """

    duration_s: float | None = None

    def __init__(self, sources: Sequence[LiveSource]) -> None:
        self.name = ' '.join(source.name for source in sources)
        self.warnings: list[str] = []
        self.has_frames, self.has_audio = (any(getattr(source, has) for source in sources)
                                           for has in ('has_frames', 'has_audio'))
        self._frames, self._audio = Waiting(round(_KEPT_S * FRAMES_HZ)), Waiting(_KEPT_AUDIO)
        self._begin: float | None = None  # monotonic time of 0 s, as early as any frame shows it
        self._lock = threading.Lock()
        self._is_stopped = False
        self.failure = ''  # why a source ended; '' where it ended by itself
        taken: set[str] = set()
        self._threads = []
        for source in sources:
            kinds = {kind for kind in ('frames', 'audio') if getattr(source, f'has_{kind}')} - taken
            taken |= kinds
            self._threads.append(threading.Thread(target=self._read, args=(source, kinds), daemon=True))

    def __enter__(self) -> 'LiveStream':
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_stopped = True
        self._frames.close()
        self._audio.close()
        for thread in self._threads:
            thread.join(timeout=.5)  # one that waits for its server ends with the process

    @property
    def dropped_frames(self) -> int:
        """Frames that nobody asked for in time."""
        return self._frames.dropped

    @property
    def now_s(self) -> float:
        """Time of what is happening now, as far as is known."""
        return 0. if self._begin is None else time.monotonic() - self._begin

    def frames(self) -> Iterator[tuple[float, TimedFrame]]:
        """Yield frames; see `MediaStream.frames`."""
        to_frame = ToImage(LARGEST_SIDE)
        while (found := self._frames.get(TIMEOUT_S)) is not None:
            time_s, frame = found
            yield time_s, partial(to_frame, frame)
        if not self._frames.is_closed:
            self.failure = self.failure or f'{self.name}: no frame has come for {TIMEOUT_S:g} s'

    def audio(self) -> Iterator[tuple[float, np.ndarray, int]]:
        """Yield audio; see `MediaStream.audio`."""
        to_samples, end_s, rate_hz = ToSamples(), 0., 0
        while not self._audio.is_closed:
            found = self._audio.get(_SILENCE_AFTER_S if self.has_frames else TIMEOUT_S)
            if found is not None:
                time_s, frame = found
                rate_hz = frame.sample_rate
                for samples in to_samples(frame):
                    end_s = time_s + len(samples) / rate_hz
                    yield time_s, np.nan_to_num(samples), rate_hz
            elif not self.has_frames:
                if not self._audio.is_closed:
                    self.failure = self.failure or f'{self.name}: no audio has come for {TIMEOUT_S:g} s'
                return
            elif rate_hz and self.now_s > end_s:
                self.warnings.append(f'no audio comes at {end_s:.0f} s: silence in its place')
                silence = np.zeros((round((self.now_s - end_s) * rate_hz), 1), np.float32)
                yield end_s, silence, rate_hz
                end_s += len(silence) / rate_hz
            elif not rate_hz and not self._audio.is_closed:
                self.warnings.append('no audio comes: predicted from frames alone')
                return

    def _read(self, source: LiveSource, kinds: set[str]) -> None:
        """Read a source until it ends, in a thread of its own."""
        clock, last_tick = _Clock(self, source.is_paced), -1
        try:
            for frame in source.decode():
                if self._is_stopped:
                    return
                time_s = clock.time_of(frame)
                if source.is_paced:
                    self._wait_until(time_s)
                if isinstance(frame, av.AudioFrame):
                    if 'audio' in kinds:
                        self._audio.put((time_s, frame))
                elif 'frames' in kinds and int(time_s * FRAMES_HZ) != last_tick:
                    last_tick = int(time_s * FRAMES_HZ)
                    self._frames.put((time_s, frame))
        except Exception as error:  # of FFmpeg, of the device; a thread has nobody to catch it
            self.failure = self.failure or (f'{source.name}: {error}' if isinstance(error, InputError) else
                                            f'{source.name}: broke off '
                                            f'({getattr(error, "strerror", None) or error or type(error).__name__})')
        finally:
            if 'frames' in kinds:
                self._frames.close()
            if 'audio' in kinds:
                self._audio.close()

    def _wait_until(self, time_s: float) -> None:
        while not self._is_stopped and (ahead_s := time_s - self.now_s) > 0:
            time.sleep(min(ahead_s, _POLL_S))

    def arrived(self, time_s: float, is_paced: bool = False) -> None:
        """Note that what is shown at a time has arrived: it is now that time, or later."""
        with self._lock:
            begin = time.monotonic() - time_s
            if self._begin is None or begin < self._begin and not is_paced:
                self._begin = begin


class _Clock:
    """Times of the frames of one source, from the beginning of the stream."""

    def __init__(self, stream: LiveStream, is_paced: bool = False) -> None:
        self._stream, self._is_paced = stream, is_paced
        self._offset_s: float | None = None  # added to the source's own times
        self._last_s: dict[type, float] = {}

    def time_of(self, frame: av.VideoFrame | av.AudioFrame) -> float:
        kind = type(frame)
        own_s = frame.time
        if own_s is None:
            time_s = self._stream.now_s
        else:
            if self._offset_s is None:
                self._offset_s = self._stream.now_s - own_s
            last_s = self._last_s.get(kind, own_s + self._offset_s)
            if not -_STEP_BACK_S < own_s + self._offset_s - last_s < _LARGEST_JUMP_S:
                self._offset_s = max(last_s, self._stream.now_s) - own_s
            time_s = own_s + self._offset_s
            if kind is not av.AudioFrame:  # samples from before the beginning are cut off by who reads them
                time_s = max(time_s, 0.)
        self._last_s[kind] = time_s
        self._stream.arrived(time_s, self._is_paced)
        return time_s
