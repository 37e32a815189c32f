"""The forms of published lists, told apart by their first row, and how each row is taken apart."""
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from claip_emo_mm.datasets.annotation_list import media_of
from claip_emo_mm.datasets.list_table import split_cells
from claip_emo_mm.datasets.published_lists.published_list import PublishedClip
from claip_emo_mm.media import AUDIO_SUFFIXES, MEDIA_SUFFIXES, VIDEO_SUFFIXES

_VIDEO = '|'.join(suffix.removeprefix('.') for suffix in VIDEO_SUFFIXES)


@dataclass(frozen=True)
class ListForm:
    """A form.

    Args:
        name: what the log calls it.
        row: what a row looks like, for messages.
        fits: whether a row of the text has this form.
        parse: takes such a row apart, given its line; the label is as the row has it.
        numbered: whether labels are numbers, not names.
        is_bare: whether what a row has for a path only names the clip, and does not say where it lies.
    """

    name: str
    row: str
    fits: Callable[[str], bool]
    parse: Callable[[int, str], PublishedClip]
    numbered: bool = True
    is_bare: Callable[[str], bool] = operator.not_


def clip_id(path: str) -> str:
    """Name a clip by a file or folder of it: numbers with five digits, as DFEW and MAFW name their clips."""
    name = PurePosixPath(path.replace('\\', '/')).name
    name = re.sub(r'\.[A-Za-z]\w*$', '', name)
    return name.zfill(5) if name.isdecimal() else name


def _has_folder(name: str) -> bool:
    return '/' in name or '\\' in name


def _has_suffix(name: str, suffixes: tuple[str, ...]) -> bool:
    return name.lower().endswith(suffixes)


def _is_number_with_suffix(name: str) -> bool:
    """Whether a name is as MAFW's lists have it: 00001.mp4."""
    return name.rpartition('.')[0].isdecimal()


def _split(text: str, parts: int) -> list[str]:
    """Split from the right: a path may hold blanks."""
    return text.strip().rsplit(maxsplit=parts - 1)


def _is_number(text: str) -> bool:
    return re.fullmatch(r'\d+', text) is not None


def _fits(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda text: compiled.fullmatch(text.strip()) is not None


def _cells(text: str, count: int) -> tuple[str, ...]:
    """Take a row of `count` cells apart, by commas or semicolons, of which the label has none; () where it is none."""
    for separator in ',;':
        cells = split_cells(text, separator)
        if len(cells) == count and all(cells) and not set(',;') & set(cells[-1]):
            return cells
    return ()


def _fits_csv(text: str) -> bool:
    cells = _cells(text, 2)
    return bool(cells) and '\t' not in text and _is_number(cells[1])


def _fits_named_csv(text: str) -> bool:
    cells = _cells(text, 2)
    return bool(cells) and not _is_number(cells[1]) and (_has_folder(cells[0]) or _has_suffix(cells[0], MEDIA_SUFFIXES))


def _fits_frames_csv(text: str) -> bool:
    cells = _cells(text, 3)
    return bool(cells) and _has_suffix(cells[1], AUDIO_SUFFIXES)


def _csv_row(line: int, text: str) -> PublishedClip:
    name, label = _cells(text, 2)
    is_path = _has_folder(name) or _has_suffix(name, MEDIA_SUFFIXES)  # DFEW's own are bare numbers
    return PublishedClip(line, clip_id(name), label, **(media_of(name) if is_path else {}))


def _named_csv_row(line: int, text: str) -> PublishedClip:
    path, label = _cells(text, 2)
    return PublishedClip(line, clip_id(path), label, **media_of(path))


def _frames_row(line: int, text: str) -> PublishedClip:
    frames, audio, label = _cells(text, 3)
    return PublishedClip(line, clip_id(frames), label, frames=frames, audio=audio)


def _caption_row(line: int, text: str) -> PublishedClip:
    name, label = (cell.strip() for cell in text.split('\t')[:2])
    return PublishedClip(line, clip_id(name), label, video=name)


def _name_row(line: int, text: str) -> PublishedClip:
    name, label = text.split()
    return PublishedClip(line, clip_id(name), label, video=name)


def _sound_row(line: int, text: str) -> PublishedClip:
    frames, audio, label = _split(text, 3)
    return PublishedClip(line, clip_id(frames), label, frames=frames, audio=audio)


def _count_row(line: int, text: str) -> PublishedClip:
    frames, count, label = _split(text, 3)
    return PublishedClip(line, clip_id(frames), label, frames=frames, num_frames=int(count))


def _path_row(line: int, text: str) -> PublishedClip:
    path, label = _split(text, 2)
    return PublishedClip(line, clip_id(path), label, **media_of(path))


FORMS: Sequence[ListForm] = (
    ListForm("DFEW's csv", 'video_name,label', _fits_csv, _csv_row),
    ListForm("MAFW's txt with captions", 'video TAB label TAB caption ...', _fits(r'[^\t]+\.\w+\t[^\t]+(\t.*)?'),
             _caption_row, numbered=False, is_bare=_is_number_with_suffix),
    # What ends in a video is a path with blanks.
    ListForm('audiovisual list', 'frames sound label', _fits(rf'\S.*\s\S+\.(?!(?i:{_VIDEO})\s)\w+\s\d+'), _sound_row),
    ListForm('list of counted frames', 'frames count label', _fits(r'\S.*\s\d+\s\d+'), _count_row),
    ListForm('list of paths', 'path label', _fits(r'\S.*\s\d+'), _path_row),
    ListForm("MAFW's txt", 'video label', _fits(r'\S+\.\w+\s+[A-Za-z]\S*'), _name_row, numbered=False,
             is_bare=_is_number_with_suffix),
    ListForm('list without a header', 'path,label', _fits_named_csv, _named_csv_row, numbered=False),
    ListForm('list without a header', 'frames,audio,label', _fits_frames_csv, _frames_row, numbered=False),
)
