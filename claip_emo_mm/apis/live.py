"""Emotions of a camera, a microphone or a stream while it runs: the newest window counts, older ones are dropped."""
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from claip_emo_mm.apis.inferencer import DEFAULT_RULE, EmotionInferencer
from claip_emo_mm.apis.windows import SlidingWindows
from claip_emo_mm.errors import InputError
from claip_emo_mm.media.live_stream import LiveStream, Waiting
from claip_emo_mm.structures import EmotionRow, VerdictRule

_NEVER_S = 1e9


@dataclass
class LiveUpdate:
    """What is known of the newest window."""
    rows: list[EmotionRow]  # by person
    latency_s: float  # from what is seen and heard last in the window until the scores are there
    dropped_windows: int  # since the beginning
    dropped_frames: int
    warnings: list[str] = field(default_factory=list)  # since the update before


@dataclass
class LiveStatistics:
    """Counts of a session; latencies are kept of its last hour at most."""
    windows: int = 0
    dropped_windows: int = 0
    dropped_frames: int = 0
    duration_s: float = 0.
    latencies_s: list[float] = field(default_factory=list)

    def add(self, update: LiveUpdate) -> None:
        self.windows += 1
        self.dropped_windows, self.dropped_frames = update.dropped_windows, update.dropped_frames
        self.duration_s = max([self.duration_s, *(row.to_s for row in update.rows)])
        self.latencies_s = [*self.latencies_s[-3599:], update.latency_s]

    def describe(self) -> str:
        """One line: windows, latency, what was dropped."""
        if not self.windows:
            return 'no window was complete'
        median, late = np.percentile(self.latencies_s, [50, 95])
        return (f'{self.windows} windows in {self.duration_s:.0f} s; latency {1000 * median:.0f} ms (median), '
                f'{1000 * late:.0f} ms (95th percentile); dropped: {self.dropped_windows} windows, '
                f'{self.dropped_frames} frames')


def recognize_live(infer: EmotionInferencer, stream: LiveStream, *, face: str = 'largest', window_s: float = 4.,
                   stride_s: float = 1., rule: VerdictRule = DEFAULT_RULE) -> Iterator[LiveUpdate]:
    """Recognize the emotions of a running stream, until it ends.

    Windows are cut by a thread of their own, with the code that cuts those of files. A model that is slower than the
    stream scores the newest window next; those in between are dropped and counted. Nothing grows with the length.

    Args:
        infer: the model.
        stream: entered already.
        face, window_s, stride_s, rule: as of `EmotionInferencer`.
    Raises:
        InputError: the stream has nothing that the model reads, or broke off.
    """
    windows, warnings = infer.cut_windows(stream, face, window_s, stride_s, is_endless=True)
    scorer, numbers, lost = infer.make_scorer(), {}, dict(windows=0, frames=0)
    waiting = Waiting(1)
    failed: list[Exception] = []
    threading.Thread(target=_cut, args=(windows, waiting, failed), daemon=True).start()
    while (window := waiting.get(_NEVER_S)) is not None:
        rows = list(scorer.rows(stream, [(window, view) for view in window.people if scorer.is_usable(window, view)]))
        for row in rows:
            row.person = row.person and numbers.setdefault(row.person, len(numbers) + 1)
            row.unsure = rule.is_unsure(row.scores)
        lost_before, lost = lost, dict(windows=waiting.dropped, frames=stream.dropped_frames)
        dropped = [f'{count - lost_before[name]} {name}' for name, count in lost.items() if count > lost_before[name]]
        warnings += [f'too slow for the stream: {" and ".join(dropped)} dropped'] if dropped else []
        warnings, stream.warnings = [*warnings, *stream.warnings], []
        yield LiveUpdate(rows, max(stream.now_s - window.end_s, 0.), *lost.values(), list(dict.fromkeys(warnings)))
        warnings = []
    if failed:
        raise failed[0]
    if stream.failure:
        raise InputError(f'{stream.failure}.')


def _cut(windows: SlidingWindows, waiting: Waiting, failed: list[Any]) -> None:
    """Cut windows in a thread; what goes wrong is raised by the one who waits."""
    try:
        for window in windows:
            waiting.put(window)
    except Exception as error:  # a thread has nobody to catch it
        failed.append(error)
    finally:
        waiting.close()


def update_line(update: LiveUpdate) -> str:
    """One line: the time, who shows what, latency, and what is wrong."""
    if not update.rows:
        return 'nothing in this window that the model reads'
    first = update.rows[0]
    found = '; '.join(f'{"" if row.person is None else f"person {row.person} "}{row.label}' for row in update.rows)
    notes = dict.fromkeys([*update.warnings, *(warning for row in update.rows for warning in row.warnings)])
    remarks = f'  ({"; ".join(notes)})' if notes else ''
    return f'{first.from_s:.1f}-{first.to_s:.1f} s  {found}  [{1000 * update.latency_s:.0f} ms]{remarks}'
