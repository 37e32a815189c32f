"""Annotation lists."""
import codecs
import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from claip_emo_mm.errors import InputError
from claip_emo_mm.media.containers import AUDIO_SUFFIXES, VIDEO_SUFFIXES
from claip_emo_mm.utils.file_errors import check_pointer, reading

_MARKS = ((codecs.BOM_UTF8, 'utf-8'), (codecs.BOM_UTF16_LE, 'utf-16-le'), (codecs.BOM_UTF16_BE, 'utf-16-be'))
_SEPARATORS = (',', ';', '\t', '|')
EXPECTED = 'Expected the header video,label or frames,audio,label.'
_MEDIA = ('video', 'frames', 'audio')
# Other names of the column of the clips: videos, audio files or folders of frames, as their suffixes say.
_OTHER_NAMES = ('path', 'file', 'filename', 'file_name', 'filepath', 'file_path', 'video_path', 'video_file', 'clip',
                'clip_path', 'name')


@dataclass(frozen=True)
class ListedClip:
    """One row of an annotation list or official list; paths are as written there, '' where the row has none."""

    line: int  # from 1
    label: str  # name of the class
    video: str = ''  # with or without audio
    frames: str = ''  # folder
    audio: str = ''  # belongs to `frames`; alone for a clip without frames
    num_frames: int | None = None  # of the folder, where the list counts them
    bare_name: str = ''  # of the clip, where the list has no path

    @classmethod
    def from_cells(cls, line: int, cells: Mapping[str, str]) -> 'ListedClip':
        """Make a clip from its cells by column; a `path` is a video, an audio file or else a folder, by its suffix."""
        fields: dict[str, Any] = dict(cells)
        path = fields.pop('path', None)
        if path is not None:
            lower = path.lower()
            is_video, is_audio = lower.endswith(VIDEO_SUFFIXES), lower.endswith(AUDIO_SUFFIXES)
            fields['video' if is_video else 'audio' if is_audio else 'frames'] = path
        if 'num_frames' in fields:
            fields['num_frames'] = int(fields['num_frames'])
        return cls(line, **fields)

    @property
    def is_audio_alone(self) -> bool:
        return not (self.video or self.frames)

    @property
    def name(self) -> str:
        """What the list calls the clip: its path, or else its name."""
        return self.video or self.frames or self.audio or self.bare_name

    @property
    def clip_id(self) -> str:
        """Name of the file or folder without suffix; numbers have five digits, as DFEW and MAFW name their clips."""
        name = re.sub(r'\.[A-Za-z]\w*$', '', PurePosixPath(self.name.replace('\\', '/')).name)
        return name.zfill(5) if name.isdecimal() else name


def read_list_text(path: str | Path, encodings: Sequence[str] = ('utf-8',)) -> str:
    """Read a list's text, its line ends as they are; `encodings` are tried where it has no byte order mark."""
    if not Path(path).is_file():
        raise InputError(f'{path}: there is no such list. Make it with tools/prepare_data.py, or correct its name.')
    check_pointer(path)
    with reading(path):
        data = Path(path).read_bytes()
    marked = [(data.removeprefix(mark), [encoding]) for mark, encoding in _MARKS if data.startswith(mark)]
    data, encodings = marked[0] if marked else (data, encodings)
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if '\0' not in text:
            return text
    names = ' or '.join(encoding.upper() for encoding in encodings)
    raise InputError(f'{path}: not a text in {names}. Expected a list: one row for each clip. Save it as csv with '
                     'UTF-8 encoding.')


def split_cells(line: str, separator: str) -> tuple[str, ...]:
    """Split one line of a csv file into stripped cells; () where its quotes are wrong."""
    try:
        cells = next(csv.reader([line.strip('\r\n')], delimiter=separator, skipinitialspace=True, strict=True), [])
    except csv.Error:
        return ()
    return tuple(cell.strip() for cell in cells)


def read_header(text: str) -> tuple[tuple[str, ...], str, int]:
    """Cells of the first line in lower case, the separator that makes most of them, and the line's number.

    Blank lines before it are skipped, and a line ``sep=;`` of spreadsheet programs, which then names the separator.
    """
    lines = io.StringIO(text, newline=None)
    separators = _SEPARATORS
    for number, line in enumerate(lines, 1):
        if line.lower().startswith('sep=') and len(line.strip()) == 5:
            separators = (line.strip()[-1],)
        elif line.strip():
            made = [(split_cells(line, separator), separator) for separator in separators]
            cells, separator = max(made, key=lambda found: len(found[0]))
            return tuple(cell.lower() for cell in cells), separator, number
    return (), separators[0], 0


def read_table(text: str, path: str | Path) -> list[tuple[int, tuple[str, ...]]]:
    """Read the line and the stripped cells of the rows behind a header.

    Blank rows are skipped, and so is a column of row numbers in front that the header does not name, as R writes it.
    """
    columns, separator, skipped = read_header(text)
    lines = io.StringIO(text, newline='')
    for _ in range(skipped - 1):
        lines.readline()
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True)
    rows = []
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((reader.line_num + skipped - 1, tuple(cell.strip() for cell in cells)))
    except csv.Error as error:
        raise InputError(f'{path}:{reader.line_num + skipped - 1}: not a csv file ({error}). Put names that hold a '
                         'separator or a quote in double quotes, and close these.') from error
    rows = rows[1:]
    count = len(columns)
    numbers = [cells[0] for _, cells in rows if len(cells) == count + 1]
    if rows and numbers == [str(number) for number in range(1, len(rows) + 1)]:
        rows = [(line, cells[1:]) for line, cells in rows]
    for line, cells in rows:
        if len(cells) != count:
            raise InputError(f'{path}:{line}: the row has {"more" if len(cells) > count else "fewer"} cells than '
                             f'the header ({count}). Put names that hold a comma in double quotes.')
    return rows


def read_annotation_list(path: str | Path) -> list[ListedClip]:
    """Read a csv file with the columns `video,label` or `frames,audio,label`; other columns are ignored.

    As spreadsheet programs, R and pandas write it: separated by commas, semicolons or tabs, the header in upper or
    lower case, in UTF-8, or in UTF-16 with a byte order mark. In place of `video` a column may be called path, file,
    filename, clip or name, of videos, audio files or folders of frames, by their suffixes.
    """
    text = read_list_text(path)
    header, _, line = read_header(text)
    columns = find_columns(header, f'{path}:{max(line, 1)}')
    rows = read_table(text, path)
    if not rows:
        raise InputError(f'{path}: no clip is listed. Expected a header and one row for each clip; make the list anew '
                         'with tools/prepare_data.py.')
    return [_read_row(line, {name: cells[place] for name, place in columns.items()}, path) for line, cells in rows]


def is_our_header(header: Sequence[str]) -> bool:
    """Whether a first row, in lower case, is the header of an annotation list, or was meant to be."""
    return 'video_name' not in header and bool({'label', *_MEDIA, *_OTHER_NAMES} & set(header))


def find_columns(header: Sequence[str], where: str) -> dict[str, int]:
    """Return the index of `label` and of `video`, of `frames` and `audio`, or of `path` in a header in lower case."""
    found = f'{where}: columns {", ".join(header) or "(none)"} found'
    other = [name for name in header if name in _OTHER_NAMES]
    media = ['video'] if 'video' in header else ['frames', 'audio']
    if other and not {*_MEDIA} & set(header):
        if len(other) > 1:
            raise InputError(f'{found}: {" and ".join(other)} may each be the clip. Call the right one video. '
                             f'{EXPECTED}')
        media = other
    missing = [name for name in (*media, 'label') if name not in header]
    if missing:
        raise InputError(f'{found}, {", ".join(missing)} missing. {EXPECTED}')
    double = [name for name in (*media, 'label') if header.count(name) > 1]
    if double:
        raise InputError(f'{found}, {", ".join(double)} twice. {EXPECTED}')
    return {'path' if name in other else name: header.index(name) for name in (*media, 'label')}


def _read_row(line: int, cells: dict[str, str], path: str | Path) -> ListedClip:
    may_be_empty = [name for name, other in (('audio', 'frames'), ('frames', 'audio')) if cells.get(other)]
    empty = [name for name, cell in cells.items() if not cell and name not in may_be_empty]
    if empty:
        raise InputError(f'{path}:{line}: {", ".join(empty)} is empty. Only audio may be empty, for a clip without '
                         'audio, or frames, for one without frames.')
    return ListedClip.from_cells(line, cells)
