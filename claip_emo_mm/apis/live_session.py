"""Live inference from a command line: a line for each window, a table that grows."""
import csv
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from claip_emo_mm.apis.inferencer import EmotionInferencer
from claip_emo_mm.apis.live import LiveStatistics, LiveUpdate, recognize_live, update_line
from claip_emo_mm.media.live_sources import LiveSource, open_address, open_camera, open_microphone
from claip_emo_mm.media.live_stream import LiveStream
from claip_emo_mm.utils.file_errors import write_error
from claip_emo_mm.utils.io import check_writable

_STRIDE_S = 1.


def open_sources(args: Namespace) -> list[LiveSource]:
    """Open what the arguments name; an `InputError` says in one line what to do about a device that is not there."""
    opened = []
    if args.camera is not None:
        opened.append(open_camera(args.camera))
    if args.stream is not None:
        opened.append(open_address(args.stream))
    if args.microphone is not None:
        opened.insert(0, open_microphone(args.microphone))  # its audio goes before that of a stream
    return opened


def watch(infer: EmotionInferencer, args: Namespace, write: Callable[[str], None]) -> None:
    """Write a line for each window until the stream ends, or Ctrl-C, and one with latency and losses at the end."""
    statistics = LiveStatistics()
    with LiveStream(open_sources(args)) as stream, _table(args.out, infer.classes) as table:
        try:
            for update in recognize_live(infer, stream, face=args.face, window_s=args.window_s,
                                         stride_s=args.stride_s or _STRIDE_S, rule=args.rule):
                statistics.add(update)
                table(update)
                write(update_line(update))
                if args.duration is not None and stream.now_s >= args.duration:
                    break
        except KeyboardInterrupt:
            pass
        finally:
            write(statistics.describe())


@contextmanager
def _table(folder: Path | None, classes: list[str]) -> Iterator:
    """Give a function that appends an update to a csv file, in whole lines: it is complete at any time."""
    if folder is None:
        yield lambda update: None
        return
    path = folder / f'live_{time.strftime("%Y%m%d-%H%M%S")}.csv'
    check_writable(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open('x', encoding='utf-8', newline='', buffering=1) as file:
            _append(file, ['clock', 'from_s', 'to_s', 'person', 'left', 'top', 'width', 'height', 'emotion', *classes,
                           'latency_ms', 'warnings'])

            def add(update: LiveUpdate) -> None:
                for row in update.rows:
                    box = [f'{value:.4f}' for value in row.box] if row.box else [''] * 4
                    scores = [f'{row.scores[name]:.6f}' for name in classes]
                    _append(file, [time.strftime('%Y-%m-%dT%H:%M:%S'), f'{row.from_s:.3f}', f'{row.to_s:.3f}',
                                   row.person or '', *box, row.verdict, *scores, f'{1000 * update.latency_s:.0f}',
                                   '; '.join(row.warnings)])
            yield add
    except OSError as error:
        raise write_error(path, error) from error


def _append(file: TextIO, cells: list) -> None:
    csv.writer(file, lineterminator='\n').writerow(cells)
    file.flush()

