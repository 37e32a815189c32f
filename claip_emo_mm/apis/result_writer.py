"""Writing of results: per input a table, a plot, a json file and what else is asked for; over all a summary."""
import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from claip_emo_mm.apis.formats import (
    FORMATS,
    PLOT_FORMATS,
    check_folder_files,
    csv_rows,
    import_pyarrow,
    read_results,
    table_columns,
    write_report,
    write_summary,
)
from claip_emo_mm.errors import InputError, printable
from claip_emo_mm.media.image import IMAGE_SUFFIXES, open_image
from claip_emo_mm.structures import EmotionResult
from claip_emo_mm.structures.results import SCHEMA_VERSION
from claip_emo_mm.utils.file_errors import WriteError
from claip_emo_mm.utils.io import PART_SUFFIX, check_writable, file_stem, move_files, read_json, write_csv, write_text

OVERLAY_SUFFIX = '.overlay.mp4'
IMAGE_OVERLAY_SUFFIX = '.overlay.png'  # of an image

_SUFFIX_BYTES = 48  # of a file's name for what follows the input's: a hash, .overlay.mp4, the temporary suffix


def write_result_files(json_file: Path, result: EmotionResult, video: Path | None,
                       progress: Callable[[float], None] | None = None,
                       formats: Sequence[str] = ()) -> tuple[list[Path], InputError | None]:
    """Write table, plot and, of a video, the overlay beside a json file; return them, and why there is no overlay.

    Args:
        json_file: the other files have its name, with their suffixes.
        result: its name is that of the input, as the files name it.
        video: of which the overlay is made; None for no overlay.
        progress: gets the overlay's time in s.
        formats: further files, keys of `FORMATS`.
    """
    from claip_emo_mm.visualization.plots import write_figure  # with all of matplotlib
    from claip_emo_mm.visualization.timeline import plot_timeline
    files = [json_file.with_suffix('.csv'), json_file.with_suffix('.png')]
    write_csv(files[0], list(table_columns(result)), csv_rows(result))
    write_figure(files[1], plot_timeline(result))
    for name in formats:
        files.append(_format_file(json_file, name))
        FORMATS[name](files[-1], result)
    if video is not None:
        from claip_emo_mm.visualization.overlay import write_image_overlay, write_overlay
        overlay = _overlay_file(json_file, video)
        try:
            if overlay.name.endswith(IMAGE_OVERLAY_SUFFIX):
                write_image_overlay(open_image(str(video)).frames_array[0], result, overlay)
            else:
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
    inputs have one name, or files of that name are there that no result has, a part of the hash of the input's path is
    added. The files of a result are made in a hidden folder, and take the place of an older result once all are there;
    the json file comes last: if it exists and was made from the same input in the same way, by the checkpoint (None:
    zero-shot) and `options`, the result is complete. All paths in it are relative to the folder, so that it can be
    moved and shared.

    Args:
        folder: for the results.
        inputs: all of them.
        checkpoint: of the model; None for zero-shot.
        options: what else decides the scores.
        overlay: write copies of the videos with boxes and labels, too.
        formats: further files, keys of `FORMATS`, and 'html' for a page on all results of the folder.
    Raises:
        InputError: the folder has a summary.csv, or a report.html, of somebody else.
    """

    def __init__(self, folder: Path, inputs: Sequence[Path], checkpoint: Path | None, options: Mapping[str, Any],
                 overlay: bool = False, formats: Sequence[str] = ()) -> None:
        check_writable(folder, is_folder=True)
        self._folder, self._overlay = folder, overlay
        self._formats, self._html = [name for name in FORMATS if name in formats], 'html' in formats
        check_folder_files(folder, self._html)
        if 'parquet' in self._formats:
            import_pyarrow()
        self._stems = Counter(_stem(Path(real)) for real in {_real_path(path) for path in inputs})
        self._made_by = dict(checkpoint=self._stamp(checkpoint) if checkpoint else None, **options)

    def is_done(self, path: Path) -> bool:
        """Whether the result of an input exists, made of this input, model and options, with all formats."""
        json_file = self._json(path)
        content = read_json(json_file)
        return self._is_current(path, content) and not self._missing_formats(json_file, content)

    def add_formats(self, path: Path) -> None:
        """Write the formats that the result of an input lacks from its json file; nothing where that is not enough.

        It is not for a result of another input, model or options, and for formats with a plot.
        """
        json_file = self._json(path)
        content = read_json(json_file)
        if not self._is_current(path, content):
            return
        missing = self._missing_formats(json_file, content)
        if not missing or set(missing) & set(PLOT_FORMATS):
            return
        with self._writing(path):
            self._refuse_others([_format_file(json_file, name).name for name in missing], content)
            result, files = EmotionResult.from_dict(content), [_format_file(json_file, name) for name in missing]
            for name, file in zip(missing, files, strict=True):
                FORMATS[name](file, result)
            content['files'] = list(dict.fromkeys([*content['files'], *(file.name for file in files)]))
            self._write_json(json_file, content)

    def _is_current(self, path: Path, content: Mapping[str, Any]) -> bool:
        """Whether the content of a json file is the result of this input, model and options, with its overlay."""
        overlay = content.get('overlay', '')  # None where none can be made
        return self._is_same(path, content) and (
            not self._overlay or overlay is None or bool(overlay) and (self._folder / overlay).is_file())

    def _is_same(self, path: Path, content: Mapping[str, Any]) -> bool:
        return content.get('made_from') == self._made_from(path) and content.get('schema_version') == SCHEMA_VERSION

    def _missing_formats(self, json_file: Path, content: Mapping[str, Any]) -> list[str]:
        files = {name: _format_file(json_file, name) for name in self._formats}
        return [name for name, file in files.items() if file.name not in content['files'] or not file.is_file()]

    def write(self, path: Path, result: EmotionResult, progress: Callable[[float], None] | None = None,
              warn: Callable[[str], None] | None = None) -> list[str]:
        """Write the result of an input, and return the names of its files; `progress` gets the overlay's time in s.

        `warn` gets why there is no overlay, which is among the warnings of the json file, too. Formats and overlay that
        an older result of the same model and options has are made again.
        """
        json_file = self._json(path)
        older = read_json(json_file)
        had = _files(older) if self._is_same(path, older) else []
        formats = [name for name in FORMATS if name in self._formats or _format_file(json_file, name).name in had]
        overlay = self._overlay or _overlay_file(json_file, path).name in had
        with self._writing(path):
            self._folder.mkdir(parents=True, exist_ok=True)
            self._refuse_others(self._names(json_file, path), older)
            with TemporaryDirectory(PART_SUFFIX, f'.{json_file.stem}.', self._folder) as part:
                result = replace(result, name=self._relative(path))
                files, no_overlay = write_result_files(Path(part, json_file.name), result, path if overlay else None,
                                                       progress, formats)
                content = dict(result.to_dict(), files=[file.name for file in files])
                if overlay:
                    content['overlay'] = None if no_overlay else files[-1].name
                if no_overlay:
                    reason = printable(f'no overlay: {no_overlay}').replace(printable(path), result.name)
                    content['warnings'] = [*content['warnings'], reason]
                    if warn is not None:
                        warn(reason)
                content['made_from'] = self._made_from(path)
                self._remove(json_file)
                move_files(files, self._folder)
                self._write_json(json_file, content)
        return [json_file.name, *(file.name for file in files)]

    @contextmanager
    def _writing(self, path: Path) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InputError(f'{self._folder}: the results of {path} cannot be written there ({error.strerror}). '
                             'Finished results are complete; make room, or choose another --out, and run it again.'
                             ) from error

    @staticmethod
    def _write_json(path: Path, content: dict[str, Any]) -> None:
        write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + '\n')

    def write_summary(self) -> list[str]:
        """Write summary.csv over all results of the folder, and report.html where it is asked for; return their names.

        Of several processes the last one sees the results of all.
        """
        results = read_results(self._folder)
        if not results:
            return []
        return [write_summary(self._folder, results).name,
                *[write_report(self._folder, results).name for _ in range(self._html)]]

    def _names(self, json_file: Path, path: Path) -> list[str]:
        """Names of the files of a result beside its json file."""
        files = [json_file.with_suffix('.csv'), json_file.with_suffix('.png'),
                 *(_format_file(json_file, name) for name in self._formats),
                 *[_overlay_file(json_file, path)] * self._overlay]
        return [file.name for file in files]

    def _refuse_others(self, names: Sequence[str], older: Mapping[str, Any]) -> None:
        """Raise an InputError where a file is there that is not of the older result, and would be replaced."""
        for name in names:
            if name not in _files(older) and os.path.lexists(self._folder / name):
                raise InputError(f'{self._folder / name}: is there already, and of no result that this tool made. '
                                 'Rename it, or choose another --out.')

    def _remove(self, json_file: Path) -> None:
        """Remove an older result, of other options: what it does not have any more must not stay beside the new one."""
        older = read_json(json_file)
        json_file.unlink(missing_ok=True)  # first: without it nothing claims to be complete
        for name in _files(older):
            (self._folder / name).unlink(missing_ok=True)

    def _made_from(self, path: Path) -> dict[str, Any]:
        return dict(self._made_by, input=self._stamp(path))

    def _relative(self, path: str | Path) -> str:
        """Path as seen from the folder."""
        return printable(os.path.relpath(os.path.abspath(path), os.path.realpath(self._folder)))

    def _stamp(self, path: Path) -> dict[str, Any]:
        """Identify the state of a file; empty if it is missing."""
        try:
            stat = path.stat()
        except OSError:
            return {}
        return dict(path=self._relative(os.path.realpath(path)), bytes=stat.st_size, mtime_ns=stat.st_mtime_ns)

    def _json(self, path: Path) -> Path:
        """Choose the json file: the one that holds this input's result, else a free name."""
        real, stem, relative = _real_path(path), _stem(path), self._relative(os.path.realpath(path))
        plain, marked = (self._folder / f'{stem}{mark}.json'
                         for mark in ('', f'-{hashlib.sha256(real.encode()).hexdigest()[:8]}'))
        owners = {file: _owner(read_json(file)) for file in (plain, marked)}
        for file, owner in owners.items():
            if owner == relative:
                return file
        is_taken = owners[plain] is not None or any(  # somebody's, or the input a.png
            os.path.lexists(self._folder / name) for name in (plain.name, *self._names(plain, path)))
        return marked if self._stems[_stem(Path(real))] > 1 or is_taken else plain


def is_result(path: Path) -> bool:
    """Whether a `ResultWriter` wrote a file, an overlay or a plot: then its json file lies beside it and names it."""
    stem = path.name
    for suffix in (OVERLAY_SUFFIX, IMAGE_OVERLAY_SUFFIX, '.png'):
        stem = stem.removesuffix(suffix)
    found = read_json(path.with_name(f'{stem}.json'))
    return path.name in [found.get('overlay'), *(found.get('files') or [])] and 'made_from' in found


def _format_file(json_file: Path, name: str) -> Path:
    """File of one of `FORMATS`: a.emotions.eaf, so that nobody's a.eaf beside the video a.mp4 is overwritten."""
    return json_file.with_suffix(f'.emotions.{name}')


def _overlay_file(json_file: Path, video: Path) -> Path:
    is_image = video.suffix.lower() in IMAGE_SUFFIXES
    return json_file.with_suffix(IMAGE_OVERLAY_SUFFIX if is_image else OVERLAY_SUFFIX)


def _files(result: Mapping[str, Any]) -> list[str]:
    """Names of the files of a result beside its json file, by that file's content; none if it is no result."""
    names = [result.get('overlay'), *(result.get('files') or [])] if _owner(result) else []
    return [name for name in names if isinstance(name, str) and Path(name).name == name]


def _owner(result: Mapping[str, Any]) -> Any:
    """Path of the input that the content of a json file is the result of; None if it is no result."""
    found: Any = result
    for key in ('made_from', 'input', 'path'):
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _real_path(path: Path) -> str:
    return printable(os.path.realpath(path))


def _stem(path: Path) -> str:
    return file_stem(printable(path.stem).replace('\\', '_'), _SUFFIX_BYTES)
