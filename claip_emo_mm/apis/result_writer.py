"""A folder of results: a table, a frame and a json file for each input, none of them ever half-written."""
import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from claip_emo_mm.errors import InputError, printable
from claip_emo_mm.structures import EmotionResult
from claip_emo_mm.utils.file_errors import WriteError
from claip_emo_mm.utils.io import file_stem, write_csv, write_text
from claip_emo_mm.visualization.overlay import write_overlay
from claip_emo_mm.visualization.plots import write_figure
from claip_emo_mm.visualization.timeline import plot_timeline

_ROOM = 48  # bytes of a file's name for what is put behind the input's: a hash, .overlay.mp4, what ends it in between
OVERLAY_SUFFIX = '.overlay.mp4'


class ResultWriter:
    """Where the results of many inputs go.

    A result is named after its input; of a long name that is the beginning, and what is no text in it is written out.
    Where two inputs have one name, a part of the hash of their places is added. The
    json file is written last: where it is there and was made from the same input in the same way, the result is whole.

    Args:
        folder: made where it is missing.
        inputs: all inputs of the run.
        checkpoint: the model's file.
        options: what else the results depend on.
        overlay: whether to write a video with boxes and labels, too.

    Raises:
        InputError: the folder cannot be made.
    """

    def __init__(self, folder: Path, inputs: Sequence[Path], checkpoint: Path, options: Mapping[str, Any],
                 overlay: bool = False) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f'{folder}: cannot be used as a folder for results ({error.strerror}).') from error
        self._folder, self._overlay = folder, overlay
        self._stems = Counter(_stem(Path(place)) for place in {_place(path) for path in inputs})
        self._made_by = dict(checkpoint=_stamp(checkpoint), **options)

    def is_done(self, path: Path) -> bool:
        """Whether the result of an input is there, of this input, model and options."""
        found = self._read(self._json(path))
        wanted = self._made_from(path)
        return found is not None and found.get('made_from') == wanted and (not self._overlay or bool(
            found.get('overlay') is None or (self._folder / found['overlay']).is_file()))

    def write(self, path: Path, result: EmotionResult,
              progress: Callable[[float], None] | None = None) -> list[str]:
        """Write the result of an input.

        Args:
            progress: called with the time up to which the overlay is written, in s.
        Returns: names of the files.
        Raises:
            InputError: the folder cannot be written to; no file is half-written.
        """
        try:
            return self._write(path, result, progress)
        except OSError as error:
            raise InputError(f'{self._folder}: the results of {path} cannot be written there ({error.strerror}). What '
                             'is done is whole; make room, or choose another --out, and run it again.') from error

    def _write(self, path: Path, result: EmotionResult, progress: Callable[[float], None] | None) -> list[str]:
        target = self._json(path)
        target.unlink(missing_ok=True)  # an older one, that of other options
        write_csv(target.with_suffix('.csv'), result.csv_header(), result.csv_rows())
        write_figure(target.with_suffix('.png'), plot_timeline(result))
        names = [target.with_suffix(suffix).name for suffix in ('.csv', '.png')]
        content = result.to_dict()
        if self._overlay:
            overlay = target.with_suffix(OVERLAY_SUFFIX)
            try:
                write_overlay(str(path), result, overlay, progress)
                content['overlay'] = overlay.name
                names.append(overlay.name)
            except WriteError:
                raise
            except InputError as error:  # audio alone: the table is still worth having
                content['overlay'] = None
                content['warnings'] = [*content['warnings'], printable(f'no overlay: {error}')]
        content['made_from'] = self._made_from(path)
        write_text(target, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + '\n')
        return [target.name, *names]

    def _made_from(self, path: Path) -> dict[str, Any]:
        return dict(self._made_by, input=_stamp(path), overlay=self._overlay)

    def _json(self, path: Path) -> Path:
        place = _place(path)
        plain = self._folder / f'{_stem(path)}.json'
        marked = self._folder / f'{_stem(path)}-{hashlib.sha256(place.encode()).hexdigest()[:8]}.json'
        owners = {name: self._owner(name) for name in (plain, marked)}
        own = next((name for name, owner in owners.items() if owner == place), None)
        if own is not None:
            return own
        return marked if self._stems[_stem(Path(place))] > 1 or owners[plain] is not None else plain

    def _owner(self, name: Path) -> Any:
        """Where the input lies that a json file is the result of; None where it is no result."""
        found: Any = self._read(name)
        for key in ('made_from', 'input', 'path'):
            found = found.get(key) if isinstance(found, dict) else None
        return found

    @staticmethod
    def _read(path: Path) -> dict[str, Any] | None:
        try:
            found = json.loads(path.read_text(encoding='utf-8'))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None


def is_overlay(path: Path) -> bool:
    """Whether a file is a copy with boxes and labels that a `ResultWriter` wrote, whose json file lies beside it."""
    if not path.name.endswith(OVERLAY_SUFFIX):
        return False
    found = ResultWriter._read(path.with_name(f'{path.name.removesuffix(OVERLAY_SUFFIX)}.json')) or {}
    return found.get('overlay') == path.name and 'made_from' in found


def _place(path: Path) -> str:
    """Where a file really lies, as text; of a loop of links, where it begins."""
    return printable(os.path.realpath(path))


def _stem(path: Path) -> str:
    """What the results of an input are named after."""
    return file_stem(printable(path.stem).replace('\\', '_'), _ROOM)


def _stamp(path: Path) -> dict[str, Any]:
    """What tells a file from a changed one; empty where it is not there."""
    try:
        stat = path.stat()
    except OSError:
        return {}
    return dict(path=_place(path), bytes=stat.st_size, mtime_ns=stat.st_mtime_ns)
