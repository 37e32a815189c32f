"""Progress of a long video: a bar in a terminal, now and then a line elsewhere."""
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

from claip_emo_mm.errors import printable

Show = Callable[[float, 'float | None'], None]  # takes the time that is done, and the length or None, in s

_LINE_EVERY_S = 30.  # of waiting, where nothing can be drawn over
_FORM = '{desc} {percentage:3.0f}% {n:.0f}/{total:.0f} s [{elapsed}, {remaining} left]'


@contextmanager
def progress_bar(title: str, is_shown: bool = True, clock: Callable[[], float] = time.monotonic) -> Iterator[Show]:
    """Give a function that says how much of a video is done, and how long the rest takes, on standard error."""
    if not is_shown:
        yield lambda time_s, duration_s: None
        return
    if not sys.stderr.isatty():
        yield _Lines(title, clock)
        return
    with tqdm(desc=title, total=1., bar_format=_FORM, leave=False) as bar:
        def show(time_s: float, duration_s: float | None) -> None:
            bar.total = max(duration_s or 0., time_s)
            bar.update(time_s - bar.n)
        yield show


def write_line(line: str) -> None:
    """Write a line to standard output at once, above a bar that is shown."""
    tqdm.write(printable(line))
    sys.stdout.flush()


class _Lines:
    """Writes a line about every half a minute, to files and pipes."""

    def __init__(self, title: str, clock: Callable[[], float]) -> None:
        self._title, self._clock = title, clock
        self._began_s = self._said_s = clock()

    def __call__(self, time_s: float, duration_s: float | None) -> None:
        now_s = self._clock()
        if now_s - self._said_s < _LINE_EVERY_S:
            return
        self._said_s = now_s
        whole = rest = ''
        if duration_s and time_s > 0:
            whole = f' of {clock_time(max(duration_s, time_s))} ({100 * min(1., time_s / duration_s):.0f} %)'
            rest = f', {clock_time(max(duration_s / time_s - 1, 0) * (now_s - self._began_s))} left'
        sys.stderr.write(f'{printable(self._title)}: {clock_time(time_s)}{whole} done{rest}\n')
        sys.stderr.flush()


def clock_time(seconds: float) -> str:
    """Format as 1:02:03, or 2:03."""
    minutes, rest = divmod(round(seconds), 60)
    return f'{minutes // 60}:{minutes % 60:02}:{rest:02}' if minutes >= 60 else f'{minutes}:{rest:02}'
