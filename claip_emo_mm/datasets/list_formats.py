"""Formats of the official lists."""
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from claip_emo_mm.datasets.annotations import media_of, split_cells
from claip_emo_mm.media.containers import AUDIO_SUFFIXES, MEDIA_SUFFIXES, VIDEO_SUFFIXES


@dataclass(frozen=True)
class OfficialClip:
    """One row of a published list; paths are as written there, '' where the row has none.

    Args:
        line: line of the file, from 1.
        clip_id: number of the clip with the data set's zero padding (``'00001'``), or another name of it.
        label: name of the class in the schema.
        video: video file.
        frames: folder of frames.
        audio: audio file.
        num_frames: frames of the folder, where the list counts them.
    """

    line: int
    clip_id: str
    label: str
    video: str = ''
    frames: str = ''
    audio: str = ''
    num_frames: int | None = None


@dataclass(frozen=True)
class OfficialList:
    """A list that was read.

    Args:
        form: which of the published forms it has, and how its labels count.
        has_paths: whether its rows say where the clips lie, instead of naming them alone.
        clips: its rows.
    """

    form: str
    has_paths: bool
    clips: tuple[OfficialClip, ...]

    def left_out_of(self, other: 'OfficialList') -> tuple[OfficialClip, ...]:
        """Return the clips of this list that another one does not have; MAFW's without audio for instance."""
        there = {clip.clip_id for clip in other.clips}
        return tuple(clip for clip in self.clips if clip.clip_id not in there)


_VIDEO = '|'.join(suffix.removeprefix('.') for suffix in VIDEO_SUFFIXES)


@dataclass(frozen=True)
class ListFormat:
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
    parse: Callable[[int, str], OfficialClip]
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


def _split(text: str, splits: int) -> list[str]:
    """Split from the right: a path may hold blanks."""
    return text.strip().rsplit(maxsplit=splits - 1)


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


def _csv_row(line: int, text: str) -> OfficialClip:
    name, label = _cells(text, 2)
    is_path = _has_folder(name) or _has_suffix(name, MEDIA_SUFFIXES)  # DFEW's own are bare numbers
    return OfficialClip(line, clip_id(name), label, **(media_of(name) if is_path else {}))


def _named_csv_row(line: int, text: str) -> OfficialClip:
    path, label = _cells(text, 2)
    return OfficialClip(line, clip_id(path), label, **media_of(path))


def _frames_row(line: int, text: str) -> OfficialClip:
    frames, audio, label = _cells(text, 3)
    return OfficialClip(line, clip_id(frames), label, frames=frames, audio=audio)


def _caption_row(line: int, text: str) -> OfficialClip:
    name, label = (cell.strip() for cell in text.split('\t')[:2])
    return OfficialClip(line, clip_id(name), label, video=name)


def _name_row(line: int, text: str) -> OfficialClip:
    name, label = text.split()
    return OfficialClip(line, clip_id(name), label, video=name)


def _audio_row(line: int, text: str) -> OfficialClip:
    frames, audio, label = _split(text, 3)
    return OfficialClip(line, clip_id(frames), label, frames=frames, audio=audio)


def _count_row(line: int, text: str) -> OfficialClip:
    frames, count, label = _split(text, 3)
    return OfficialClip(line, clip_id(frames), label, frames=frames, num_frames=int(count))


def _path_row(line: int, text: str) -> OfficialClip:
    path, label = _split(text, 2)
    return OfficialClip(line, clip_id(path), label, **media_of(path))


FORMATS: Sequence[ListFormat] = (
    ListFormat("DFEW's csv", 'video_name,label', _fits_csv, _csv_row),
    ListFormat("MAFW's txt with captions", 'video TAB label TAB caption ...', _fits(r'[^\t]+\.\w+\t[^\t]+(\t.*)?'),
             _caption_row, numbered=False, is_bare=_is_number_with_suffix),
    # What ends in a video is a path with blanks.
    ListFormat('audiovisual list', 'frames audio label', _fits(rf'\S.*\s\S+\.(?!(?i:{_VIDEO})\s)\w+\s\d+'), _audio_row),
    ListFormat('list of counted frames', 'frames count label', _fits(r'\S.*\s\d+\s\d+'), _count_row),
    ListFormat('list of paths', 'path label', _fits(r'\S.*\s\d+'), _path_row),
    ListFormat("MAFW's txt", 'video label', _fits(r'\S+\.\w+\s+[A-Za-z]\S*'), _name_row, numbered=False,
             is_bare=_is_number_with_suffix),
    ListFormat('list without a header', 'path,label', _fits_named_csv, _named_csv_row, numbered=False),
    ListFormat('list without a header', 'frames,audio,label', _fits_frames_csv, _frames_row, numbered=False),
)
