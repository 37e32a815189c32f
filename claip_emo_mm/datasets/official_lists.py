"""Official lists of DFEW and MAFW, in all formats in which they are distributed."""
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from mmengine.logging import print_log

from claip_emo_mm.datasets.annotations import (
    EXPECTED,
    ListedClip,
    read_header,
    read_list_text,
    read_table,
    split_cells,
)
from claip_emo_mm.datasets.labels import LabelSchema
from claip_emo_mm.errors import InputError
from claip_emo_mm.media.containers import AUDIO_SUFFIXES, MEDIA_SUFFIXES, VIDEO_SUFFIXES

LIST_ENCODINGS = ('utf-8', 'gb18030')


@dataclass(frozen=True)
class OfficialList:
    """A list that was read."""

    format: str  # its name, and how its labels count
    has_paths: bool  # in the rows, not only names of clips
    clips: tuple[ListedClip, ...]


def read_official_list(path: str | Path, schema: LabelSchema, first_number: int | None = None,
                       choice: str = 'first_number=0 or first_number=1 of the data set in the config') -> OfficialList:
    """Read a list of DFEW or MAFW in any of `FORMATS`, which is logged.

    Text is UTF-8, UTF-16 with a byte order mark, or GB18030 as in MAFW's captions. Where labels are numbers, they count
    from 0 if the list holds 0, and from 1 if it holds the number of classes. DFEW's csv may have passed through R or a
    spreadsheet program: other separators, quotes, more columns.

    Args:
        path: the file.
        schema: classes of the data set.
        first_number: number of the first class, 0 or 1, for a list that does not tell (a few clips of a list).
        choice: how the user sets that number, for messages.
    Raises:
        InputError: the file cannot be read, a row has an unknown or another format, or labels are unknown or ambiguous.
    """
    rows = _rows(read_list_text(path, LIST_ENCODINGS), path)
    line, text = rows[0]
    list_format = next((known for known in FORMATS if known.parse(text.strip())), None)
    if list_format is None:
        known = '; '.join(f'{known.row} ({known.name})' for known in FORMATS)
        raise InputError(f'{path}:{line}: {text.strip()[:80]!r} is a row of no known format. {EXPECTED} Known without '
                         f'it are: {known}.')
    clips = [_read_row(list_format, line, text.strip(), path) for line, text in rows]
    name = list_format.name
    if list_format.numbered and not {clip.label for clip in clips} <= set(schema.classes):  # classes may be 0 and 1
        first = _first_number(clips, schema, path, first_number, choice)
        name += f', labels from {first}'
        labels = [schema.classes[int(clip.label) - first] for clip in clips]
    else:
        labels = [_class_name(clip, schema, path) for clip in clips]
    print_log(f'{path}: {name}, {len(clips)} clips of {schema.title}', logger='current')
    has_paths = not any(clip.bare_name or list_format.bare_files and clip.video.rpartition('.')[0].isdecimal()
                        for clip in clips)
    return OfficialList(name, has_paths, tuple(replace(clip, label=label)
                                               for clip, label in zip(clips, labels, strict=True)))


def _rows(text: str, path: str | Path) -> list[tuple[int, str]]:
    """Return line and text of each row; of a table with DFEW's header the two columns, whatever else it has."""
    header, _, _ = read_header(text)
    if {'video_name', 'label'} <= set(header):
        places = [header.index(name) for name in ('video_name', 'label')]
        rows = [(line, ','.join(f'"{cells[place]}"' if ',' in cells[place] else cells[place] for place in places))
                for line, cells in read_table(text, path)]
    else:  # not splitlines, which also splits captions: at vertical tabs, at Unicode's own line ends
        rows = [(line, row) for line, row in enumerate(io.StringIO(text, newline=None), 1) if row.strip()]
    if not rows:
        raise InputError(f'{path}: no clip is listed. Expected one row for each clip.')
    return rows


def _read_row(list_format: 'ListFormat', line: int, text: str, path: str | Path) -> ListedClip:
    cells = list_format.parse(text)
    if not cells:
        raise InputError(f'{path}:{line}: {text[:80]!r} does not have the format of the rows above it: '
                         f'{list_format.row} ({list_format.name}). Correct the row, or take it out.')
    return ListedClip.from_cells(line, {column: cell.strip() for column, cell in cells.items()})


def _first_number(clips: Sequence[ListedClip], schema: LabelSchema, path: str | Path, given: int | None,
                  choice: str) -> int:
    numbers = {int(clip.label) for clip in clips}
    count = len(schema.classes)
    fitting = [first for first in (0, 1) if first <= min(numbers) and max(numbers) < first + count]
    if given is not None and given in fitting:
        return given
    if len(fitting) == 1 and given is None:
        return fitting[0]
    found = f'labels {min(numbers)} to {max(numbers)} found'
    if fitting and given is None:
        raise InputError(f'{path}: {found}: with {count} classes of {schema.title} they may count from 0 or from 1. '
                         f'Say which: {choice}. (A whole list tells by itself.)')
    expected = ' or '.join(f'{first} to {first + count - 1}' for first in ((0, 1) if given is None else (given,)))
    raise InputError(f'{path}: {found}, {expected} expected for the {count} classes of {schema.title}. Name the data '
                     'set and the kind of labels (single or compound) that the list is of.')


def _class_name(clip: ListedClip, schema: LabelSchema, path: str | Path) -> str:
    try:
        return schema.classes[schema.label(clip.label)]
    except InputError as error:
        raise InputError(f'{path}:{clip.line}: {error}') from error


def _match(pattern: str, text: str) -> Mapping[str, str]:
    """Cells of a row that matches a pattern, by the names of its groups."""
    found = re.fullmatch(pattern, text)
    return found.groupdict() if found else {}


def _csv_cells(text: str, count: int) -> tuple[str, ...]:
    """Split a row of `count` cells by commas or semicolons, of which the label has none; () where it is none."""
    for separator in ',;':
        cells = split_cells(text, separator)
        if len(cells) == count and all(cells) and not set(',;') & set(cells[-1]):
            return cells
    return ()


def _is_path(name: str) -> bool:
    return '/' in name or '\\' in name or name.lower().endswith(MEDIA_SUFFIXES)


def _dfew_csv(text: str) -> Mapping[str, str]:
    cells = _csv_cells(text, 2)
    if not cells or '\t' in text or not re.fullmatch(r'\d+', cells[1]):
        return {}
    return {'path' if _is_path(cells[0]) else 'bare_name': cells[0], 'label': cells[1]}


def _path_csv(text: str) -> Mapping[str, str]:
    cells = _csv_cells(text, 2)
    fits = cells and not re.fullmatch(r'\d+', cells[1]) and _is_path(cells[0])
    return dict(path=cells[0], label=cells[1]) if fits else {}


def _frames_csv(text: str) -> Mapping[str, str]:
    cells = _csv_cells(text, 3)
    fits = cells and cells[1].lower().endswith(AUDIO_SUFFIXES)
    return dict(frames=cells[0], audio=cells[1], label=cells[2]) if fits else {}


@dataclass(frozen=True)
class ListFormat:
    """A format of lists."""

    name: str
    row: str  # what a row looks like, for messages
    parse: Callable[[str], Mapping[str, str]]  # cells of a row by column, empty where it has another format
    numbered: bool = True  # whether labels are numbers, not names
    bare_files: bool = False  # whether a file named by a number, such as 00001.mp4, is only the name of a clip


_VIDEO = '|'.join(suffix.removeprefix('.') for suffix in VIDEO_SUFFIXES)
FORMATS: Sequence[ListFormat] = (
    ListFormat("DFEW's csv", 'video_name,label', _dfew_csv),
    ListFormat("MAFW's txt with captions", 'video TAB label TAB caption ...',
               partial(_match, r'(?P<video>[^\t]+\.\w+)\t(?P<label>[^\t]+)(\t.*)?'), numbered=False, bare_files=True),
    ListFormat('audiovisual list', 'frames audio label',  # what ends in a video is a path with blanks
               partial(_match, rf'(?P<frames>\S.*)\s(?P<audio>\S+\.(?!(?i:{_VIDEO})\s)\w+)\s(?P<label>\d+)')),
    ListFormat('list of counted frames', 'frames count label',
               partial(_match, r'(?P<frames>\S.*)\s(?P<num_frames>\d+)\s(?P<label>\d+)')),
    ListFormat('list of paths', 'path label', partial(_match, r'(?P<path>\S.*)\s(?P<label>\d+)')),
    ListFormat("MAFW's txt", 'video label', partial(_match, r'(?P<video>\S+\.\w+)\s+(?P<label>[A-Za-z]\S*)'),
               numbered=False, bare_files=True),
    ListFormat('list without a header', 'path,label', _path_csv, numbered=False),
    ListFormat('list without a header', 'frames,audio,label', _frames_csv, numbered=False),
)
