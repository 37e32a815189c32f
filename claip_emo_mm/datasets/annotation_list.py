"""Annotation lists: which clips there are, where their pictures and sound lie, and what they show."""
import csv
from dataclasses import dataclass
from pathlib import Path

from claip_emo_mm.errors import InputError


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
    """Read a UTF-8 csv file with the columns `video,label` or `frames,audio,label`; other columns are ignored.

    Raises:
        InputError: the file is missing, not UTF-8, empty, lacks a column, or has a row that does not fit its header.
    """
    if not Path(path).is_file():
        raise InputError(f'{path}: there is no such annotation list. Make it with tools/prepare_data.py, or correct '
                         'ann_file and data_root in the config.')
    try:
        with open(path, encoding='utf-8-sig', newline='') as file:  # -sig: spreadsheet programs put a mark in front
            clips = list(_rows(csv.DictReader(file, strict=True), path))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f'{path}: not a csv file in UTF-8 ({error}). Save it as csv with UTF-8 encoding.') from error
    if not clips:
        raise InputError(f'{path}: no clip is listed. Expected a header and one row for each clip; make the list anew '
                         'with tools/prepare_data.py.')
    return clips


def _rows(reader: csv.DictReader, path: str | Path):
    header = reader.fieldnames or []
    media = ['video'] if 'video' in header else ['frames', 'audio']
    missing = [name for name in (*media, 'label') if name not in header]
    if missing:
        raise InputError(f'{path}:1: columns {", ".join(header) or "(none)"} found, {", ".join(missing)} missing. '
                         'Expected the header video,label or frames,audio,label.')
    for row in reader:
        if None in row or None in row.values():
            raise InputError(f'{path}:{reader.line_num}: the row has {"more" if None in row else "fewer"} cells than '
                             f'the header ({len(header)}). Put names that hold a comma in double quotes.')
        cells = {name: row[name].strip() for name in (*media, 'label')}
        may_be_empty = [name for name, other in (('audio', 'frames'), ('frames', 'audio')) if cells.get(other)]
        empty = [name for name, cell in cells.items() if not cell and name not in may_be_empty]
        if empty:
            raise InputError(f'{path}:{reader.line_num}: {", ".join(empty)} is empty. Only audio may be left empty, '
                             'for a clip without sound, or frames, for one without picture.')
        yield ListedClip(line=reader.line_num, **cells)
