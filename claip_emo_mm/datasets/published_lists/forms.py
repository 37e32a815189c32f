"""The forms of published lists, told apart by their first row, and how each row is taken apart."""
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from claip_emo_mm.datasets.published_lists.published_list import PublishedClip
from claip_emo_mm.media import VIDEO_SUFFIXES

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
        has_paths: whether a row says where the clip lies.
        header: the first row where it is no clip.
    """

    name: str
    row: str
    fits: Callable[[str], bool]
    parse: Callable[[int, str], PublishedClip]
    numbered: bool = True
    has_paths: bool = True
    header: str = ''


def clip_id(path: str) -> str:
    """Name a clip by a file or folder of it: numbers with five digits, as DFEW and MAFW name their clips."""
    name = PurePosixPath(path.replace('\\', '/')).name
    name = re.sub(r'\.[A-Za-z]\w*$', '', name)
    return name.zfill(5) if name.isdecimal() else name


def _media(path: str) -> dict[str, str]:
    return {'video' if path.lower().endswith(VIDEO_SUFFIXES) else 'frames': path}


def _split(text: str, parts: int) -> list[str]:
    """Split from the right: a path may hold blanks."""
    return text.strip().rsplit(maxsplit=parts - 1)


def _is_number(text: str) -> bool:
    return re.fullmatch(r'\d+', text) is not None


def _fits(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda text: compiled.fullmatch(text.strip()) is not None


def _csv_row(line: int, text: str) -> PublishedClip:
    name, label = (cell.strip() for cell in text.split(','))
    return PublishedClip(line, clip_id(name), label)


def _caption_row(line: int, text: str) -> PublishedClip:
    name, label = text.split('\t')[:2]
    return PublishedClip(line, clip_id(name), label.strip(), video=name.strip())


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
    return PublishedClip(line, clip_id(path), label, **_media(path))


FORMS: Sequence[ListForm] = (
    ListForm("DFEW's csv", 'video_name,label', _fits(r'[^,]+,\s*\d+'), _csv_row, has_paths=False,
             header=r'video_name\s*,\s*label'),
    ListForm("MAFW's txt with captions", 'video TAB label TAB caption ...', _fits(r'[^\t]+\.\w+\t[^\t]+(\t.*)?'),
             _caption_row, numbered=False, has_paths=False),
    # What ends in a video is a path with blanks.
    ListForm('audiovisual list', 'frames sound label', _fits(rf'\S.*\s\S+\.(?!(?i:{_VIDEO})\s)\w+\s\d+'), _sound_row),
    ListForm('list of counted frames', 'frames count label', _fits(r'\S.*\s\d+\s\d+'), _count_row),
    ListForm('list of paths', 'path label', _fits(r'\S.*\s\d+'), _path_row),
    ListForm("MAFW's txt", 'video label', _fits(r'\S+\.\w+\s+[A-Za-z]\S*'), _name_row, numbered=False,
             has_paths=False),
)
