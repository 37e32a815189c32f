"""Annotation lists: which clips there are, where their pictures and sound lie, and what they show."""
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from claip_emo_mm.datasets.list_table import read_header, read_list_text, read_table
from claip_emo_mm.errors import InputError
from claip_emo_mm.media import AUDIO_SUFFIXES, VIDEO_SUFFIXES

EXPECTED = 'Expected the header video,label or frames,audio,label.'

_MEDIA = ('video', 'frames', 'audio')
# What people call the column of the clips: a video, an audio file or a folder of frames, as its suffix says.
_OTHER_NAMES = ('path', 'file', 'filename', 'file_name', 'filepath', 'file_path', 'video_path', 'video_file', 'clip',
                'clip_path', 'name')


@dataclass(frozen=True)
class ListedClip:
    """One row of an annotation list; paths are as written there, '' where the row has none.

    Args:
        line: line of the file, from 1.
        label: name of the class.
        video: video file with sound.
        frames: folder of frames.
        audio: sound file that belongs to `frames`; alone for a clip without picture.
        num_frames: frames of the folder, where the list counts them.
    """

    line: int
    label: str
    video: str = ''
    frames: str = ''
    audio: str = ''
    num_frames: int | None = None

    @property
    def is_sound_alone(self) -> bool:
        """Whether it has no picture."""
        return not (self.video or self.frames)

    @property
    def name(self) -> str:
        """What people call the clip: its path in the list."""
        return self.video or self.frames or self.audio


def read_annotation_list(path: str | Path) -> list[ListedClip]:
    """Read a csv file with the columns `video,label` or `frames,audio,label`; other columns are ignored.

    As spreadsheet programs, R and pandas write it: separated by commas, semicolons or tabs, the header in upper or
    lower case and in quotes or not, in UTF-8, or in UTF-16 with a mark. In place of `video` a column may be called
    path, file, filename, clip or name; what it holds are videos, audio files or folders of frames, by their suffixes.

    Raises:
        InputError: the file is missing, no such text, empty, lacks a column, or has a row that does not fit its header.
    """
    if not Path(path).is_file():
        raise InputError(f'{path}: there is no such annotation list. Make it with tools/prepare_data.py, or correct '
                         'ann_file and data_root in the config.')
    text = read_list_text(path)
    header, _, line = read_header(text)
    columns = find_columns(header, f'{path}:{max(line, 1)}')
    table = read_table(text, path)
    if not table.rows:
        raise InputError(f'{path}: no clip is listed. Expected a header and one row for each clip; make the list anew '
                         'with tools/prepare_data.py.')
    return [_clip(line, {name: cells[place] for name, place in columns.items()}, path) for line, cells in table.rows]


def is_our_header(header: Sequence[str]) -> bool:
    """Whether a first row is one of our headers, or was meant to be; cells are in lower case."""
    return 'video_name' not in header and bool({'label', *_MEDIA, *_OTHER_NAMES} & set(header))


def find_columns(header: Sequence[str], where: str) -> dict[str, int]:
    """Return the place of `label` and of `video`, of `frames` and `audio`, or of `path`.

    Args:
        header: names in lower case.
        where: the list and the line, for messages.
    Raises:
        InputError: a column is missing, or is there twice.
    """
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


def media_of(path: str) -> dict[str, str]:
    """Say what a path is by its suffix: `video`, `audio`, or else `frames`, a folder of them."""
    lower = path.lower()
    kind = 'video' if lower.endswith(VIDEO_SUFFIXES) else 'audio' if lower.endswith(AUDIO_SUFFIXES) else 'frames'
    return {kind: path}


def _clip(line: int, cells: dict[str, str], path: str | Path) -> ListedClip:
    may_be_empty = [name for name, other in (('audio', 'frames'), ('frames', 'audio')) if cells.get(other)]
    empty = [name for name, cell in cells.items() if not cell and name not in may_be_empty]
    if empty:
        raise InputError(f'{path}:{line}: {", ".join(empty)} is empty. Only audio may be left empty, '
                         'for a clip without sound, or frames, for one without picture.')
    if 'path' in cells:
        return ListedClip(line, cells['label'], **media_of(cells['path']))
    return ListedClip(line=line, **cells)
