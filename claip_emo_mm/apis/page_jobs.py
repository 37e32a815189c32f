"""Jobs of the page: what one does with a file, and how it ends early."""
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from claip_emo_mm.apis.inferencer import EmotionInferencer
from claip_emo_mm.apis.result_writer import OVERLAY_SUFFIX, write_result_files
from claip_emo_mm.errors import InputError
from claip_emo_mm.structures import EmotionResult
from claip_emo_mm.utils.io import write_text

MEGABYTE = 2 ** 20  # as browsers and gradio count


@dataclass(frozen=True)
class DemoLimits:
    """What the page accepts."""
    megabytes: float = 200.
    seconds: float = 600.
    waiting: int = 8  # jobs in the queue; one runs at a time


class JobResult(NamedTuple):
    """What a job shows and offers."""
    result: EmotionResult
    warnings: list[str]
    overlay: str | None  # file; None for audio
    rows: list[list[object]]  # of the table
    files: list[str]


class JobCancelled(Exception):
    """A user has cancelled a job, or left the page."""


class SessionJobs:
    """The job of each open page, which ends when it is cancelled or the page is left."""

    def __init__(self) -> None:
        self._cancelled: dict[str, threading.Event] = {}

    def begin(self, session: str) -> None:
        """Note that a page wants a job; an earlier one of it ends."""
        self.cancel(session)
        self._cancelled[session] = threading.Event()

    def cancel(self, session: str) -> None:
        """End the job of a page, if it has one, at its next step."""
        event = self._cancelled.pop(session, None)
        if event is not None:
            event.set()

    def cancelled(self, session: str) -> threading.Event:
        """Set when the page's job is to end; set from the beginning where the page is closed already."""
        event = self._cancelled.get(session)
        if event is None:
            event = threading.Event()
            event.set()
        return event


def run_job(infer: EmotionInferencer, given: str | None, folder: Path, limits: DemoLimits, options: dict[str, Any],
            show: Any = None, cancelled: threading.Event | None = None) -> JobResult:
    """Infer the emotions of a file, and write its result files into a folder.

    Args:
        infer: recognizes the emotions.
        given: the file; None where there is none.
        folder: for the result files.
        limits: of the file.
        options: of ``infer.infer``.
        show: called with the time that is done, and the length, in s.
        cancelled: ends the job, at the next batch of windows or frame of the overlay.
    Raises:
        InputError: the file cannot be used, or is over a limit.
        JobCancelled: as it says.
    """
    if given is None:
        raise InputError('no file chosen. Upload a video first, or record one.')
    path = Path(given)
    size = path.stat().st_size / MEGABYTE
    if size > limits.megabytes:
        raise InputError(f'{path.name} has {size:.1f} MB. This page takes up to {limits.megabytes:g} MB.')

    def check(time_s: float = 0.) -> None:
        if cancelled is not None and cancelled.is_set():
            raise JobCancelled

    def progress(time_s: float, stated_s: float | None) -> None:
        check()
        if max(time_s, stated_s or 0.) > limits.seconds:
            raise InputError(f'{path.name} is longer than {limits.seconds:g} s. This page takes no more: cut it, or '
                             'use tools/infer.py.')
        if show is not None:
            show(time_s, max(time_s, stated_s or 0.))

    check()
    result = infer.infer(path, progress=progress, **options)
    result.name = path.name
    json_file = folder / f'{path.stem}.json'
    write_text(json_file, result.to_json())
    files, no_overlay = write_result_files(json_file, result, path, check)
    warnings = [*result.warnings, *[without_folder(f'no overlay: {no_overlay}', given)] * bool(no_overlay)]
    rows = [[f'{row.from_s:.1f}', f'{row.to_s:.1f}', '' if row.person is None else row.person, row.verdict,
             *(f'{row.scores[name]:.2f}' for name in result.classes), '; '.join(row.warnings)] for row in result.rows]
    overlay = next((str(file) for file in files if file.name.endswith(OVERLAY_SUFFIX)), None)
    return JobResult(result, warnings, overlay, rows, [str(json_file), *map(str, files)])


def without_folder(message: str, path: str | None) -> str:
    """Remove the server's folder from a message that names a file."""
    return message if path is None else message.replace(str(Path(path).parent) + '/', '')
