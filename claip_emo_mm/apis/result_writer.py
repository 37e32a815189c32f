"""Writing of results: a table, a plot, an optional overlay video and a json file per input, each atomically."""
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
from claip_emo_mm.utils.io import check_writable, file_stem, read_json, write_csv, write_text
from claip_emo_mm.visualization.overlay import write_overlay
from claip_emo_mm.visualization.plots import write_figure
from claip_emo_mm.visualization.timeline import plot_timeline

OVERLAY_SUFFIX = '.overlay.mp4'

_SUFFIX_BYTES = 48  # of a file's name for what follows the input's: a hash, .overlay.mp4, the temporary suffix


def write_result_files(json_file: Path, result: EmotionResult, video: Path | None,
                       progress: Callable[[float], None] | None = None) -> tuple[list[Path], InputError | None]:
    """Write table, plot and, of a video, the overlay beside a json file; return them, and why there is no overlay."""
    files = [json_file.with_suffix('.csv'), json_file.with_suffix('.png')]
    write_csv(files[0], result.csv_header(), result.csv_rows())
    write_figure(files[1], plot_timeline(result))
    if video is not None:
        overlay = json_file.with_suffix(OVERLAY_SUFFIX)
        try:
            write_overlay(str(video), result, overlay, progress)
        except WriteError:
            raise
        except InputError as error:  # audio alone: the table is still worth having
            return files, error
        files.append(overlay)
    return files, None


class ResultWriter:
    """Writes the results of many inputs into a folder.

    A result is named after its input: the beginning of a long name, with escapes for bytes that are no text. Where two
    inputs have one name, a part of the hash of their paths is added. The json file is written last: if it exists and
    was made from the same input in the same way, by the checkpoint (None: zero-shot) and `options`, the result is
    complete.
    """

    def __init__(self, folder: Path, inputs: Sequence[Path], checkpoint: Path | None, options: Mapping[str, Any],
                 overlay: bool = False) -> None:
        check_writable(folder, is_folder=True)
        self._folder, self._overlay = folder, overlay
        self._stems = Counter(_stem(Path(real)) for real in {_real_path(path) for path in inputs})
        self._made_by = dict(checkpoint=_stamp(checkpoint) if checkpoint else None, **options)

    def is_done(self, path: Path) -> bool:
        """Whether the result of an input exists, made of this input, model and options."""
        found = read_json(self._json(path))
        overlay = found.get('overlay')
        return found.get('made_from') == self._made_from(path) and (
            not self._overlay or overlay is None or (self._folder / overlay).is_file())

    def write(self, path: Path, result: EmotionResult, progress: Callable[[float], None] | None = None) -> list[str]:
        """Write the result of an input, and return the names of its files; `progress` gets the overlay's time in s."""
        json_file = self._json(path)
        try:
            self._remove_older(json_file)
            files, no_overlay = write_result_files(json_file, result, path if self._overlay else None, progress)
            content = result.to_dict()
            if self._overlay:
                content['overlay'] = None if no_overlay else files[-1].name
            if no_overlay:
                content['warnings'] = [*content['warnings'], printable(f'no overlay: {no_overlay}')]
            content['made_from'] = self._made_from(path)
            write_text(json_file, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + '\n')
        except OSError as error:
            raise InputError(f'{self._folder}: the results of {path} cannot be written there ({error.strerror}). '
                             'Finished results are complete; make room, or choose another --out, and run it again.'
                             ) from error
        return [json_file.name, *(file.name for file in files)]

    def _remove_older(self, json_file: Path) -> None:
        """Remove a result of other options; first its overlay, which shows other emotions than the new table."""
        overlay = json_file.with_suffix(OVERLAY_SUFFIX)
        if is_overlay(overlay):
            overlay.unlink(missing_ok=True)
        json_file.unlink(missing_ok=True)

    def _made_from(self, path: Path) -> dict[str, Any]:
        return dict(self._made_by, input=_stamp(path), overlay=self._overlay)

    def _json(self, path: Path) -> Path:
        """Choose the json file: the one that holds this input's result, else a free name."""
        real, stem = _real_path(path), _stem(path)
        plain, marked = (self._folder / f'{stem}{mark}.json'
                         for mark in ('', f'-{hashlib.sha256(real.encode()).hexdigest()[:8]}'))
        owners = {file: _owner(file) for file in (plain, marked)}
        for file, owner in owners.items():
            if owner == real:
                return file
        return marked if self._stems[_stem(Path(real))] > 1 or owners[plain] is not None else plain


def is_overlay(path: Path) -> bool:
    """Whether a file is an overlay that a `ResultWriter` wrote, whose json file lies beside it."""
    if not path.name.endswith(OVERLAY_SUFFIX):
        return False
    found = read_json(path.with_name(f'{path.name.removesuffix(OVERLAY_SUFFIX)}.json'))
    return found.get('overlay') == path.name and 'made_from' in found


def _owner(json_file: Path) -> Any:
    """Path of the input that a json file is the result of; None if it is no result."""
    found: Any = read_json(json_file)
    for key in ('made_from', 'input', 'path'):
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _real_path(path: Path) -> str:
    return printable(os.path.realpath(path))


def _stem(path: Path) -> str:
    return file_stem(printable(path.stem).replace('\\', '_'), _SUFFIX_BYTES)


def _stamp(path: Path) -> dict[str, Any]:
    """Identify the state of a file; empty if it is missing."""
    try:
        stat = path.stat()
    except OSError:
        return {}
    return dict(path=_real_path(path), bytes=stat.st_size, mtime_ns=stat.st_mtime_ns)
