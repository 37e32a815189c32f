"""Scan of the folder that a data set's owners distribute: videos, frame folders, audio and lists, found by content."""
import logging
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from claip_emo_mm.errors import InputError, named, printable
from claip_emo_mm.media.containers import AUDIO_SUFFIXES, VIDEO_SUFFIXES, is_system_file
from claip_emo_mm.media.image_folder import FRAME_SUFFIXES

_MEDIA = {'videos': 'videos', 'frames': 'frame folders', 'audio': 'audio files'}  # field of Distribution -> in words
_KINDS_NAMED = 5
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ClipSource:
    """The files of one clip; None for what is missing."""
    clip_id: str  # of an official set: its number with five digits
    video: Path | None = None
    frames: Path | None = None  # folder of image files
    audio: Path | None = None


@dataclass
class Distribution:
    """The content of a folder."""
    root: Path
    videos: dict[str, list[Path]] = field(default_factory=dict)  # by clip id, as the next two
    frames: dict[str, list[Path]] = field(default_factory=dict)
    audio: dict[str, list[Path]] = field(default_factory=dict)
    lists: list[Path] = field(default_factory=list)  # csv and txt files
    other: list[Path] = field(default_factory=list)  # videos that are not named by a number
    unused: dict[str, tuple[int, Path]] = field(default_factory=dict)  # suffix -> how many other files, and one of them
    unreadable: dict[Path, str] = field(default_factory=dict)  # folder that cannot be read -> why

    def clips(self) -> dict[str, ClipSource]:
        """Return every clip that has a video or frames, by its id; none of them may have two of a kind."""
        for kind, title in _MEDIA.items():
            double = {clip_id: paths for clip_id, paths in getattr(self, kind).items() if len(paths) > 1}
            if double:
                first, second = sorted(double[min(double)])[:2]
                above = [folder for folder in first.parents
                         if folder not in second.parents and self.root in folder.parents]
                raise InputError(f'{self.root}: {len(double)} clips have several {title}; clip {min(double)} has '
                                 f'{first} and {second}. Say which to use: --{kind} FOLDER, for instance --{kind} '
                                 f'{above[-1] if above else first.parent}')
        clip_ids = sorted({*self.videos, *self.frames})
        if not clip_ids:
            found = 'neither videos nor folders of frames'
            if self.other:
                found = f'videos, but none is named by a number ({named(path.name for path in self.other)})'
            else:
                found += ''.join(f'; {path} {reason}' for path, reason in self.unreadable.items())
            raise InputError(f'{self.root}: {found}. Expected videos (mp4, avi, mkv, mov, mpg, mts, webm ...) or '
                             'folders of frames (jpg, png, bmp) that are named by the number of the clip, as 00001.mp4 '
                             'or 00001/, at any depth. Unpack the archives that the owners distribute, and name the '
                             'folder that they are in.')
        return {clip_id: ClipSource(clip_id, *(getattr(self, kind).get(clip_id, [None])[0] for kind in _MEDIA))
                for clip_id in clip_ids}

    def describe_unused(self) -> str:
        """Count the unused files by their suffix, with one of each; '' where there are none."""
        counts = sorted(self.unused.items(), key=lambda item: -item[1][0])
        if self.other:
            counts.insert(0, ('videos not named by a number', (len(self.other), self.other[0])))
        return named((f'{count} {what} ({path.name})' for what, (count, path) in counts), _KINDS_NAMED)


def find_distribution(root: Path, videos: Path | None = None, frames: Path | None = None, audio: Path | None = None,
                      excluded: Collection[Path] = ()) -> Distribution:
    """Scan a folder, except for hidden and excluded ones; the search for videos, frames or audio may be confined."""
    confined = {'videos': videos or root, 'frames': frames or root, 'audio': audio or root}
    for folder in (root, *confined.values()):
        if not folder.is_dir():
            raise InputError(f'{folder}: there is no such folder. Expected the folder into which the distribution was '
                             'unpacked.')
    found = Distribution(root)
    entered = {os.path.realpath(folder) for folder in excluded}
    for folder in sorted({root, *confined.values()}, key=lambda folder: folder == root):  # the root last
        for kind, path in _walk(folder, entered, found.unreadable):
            if kind == 'unused':
                suffix = path.suffix.lower() or 'without a suffix'
                count, first = found.unused.get(suffix, (0, path))
                found.unused[suffix] = count + 1, first
            elif kind not in confined:
                getattr(found, kind).append(path)
            elif path.absolute().is_relative_to(confined[kind].absolute()):
                getattr(found, kind).setdefault(clip_id_of(path), []).append(path)
    if root in found.unreadable:
        raise InputError(f'{root}: {found.unreadable[root]}')
    for folder, reason in found.unreadable.items():
        _logger.warning('%s: %s', printable(folder), reason)
    return found


def clip_id_of(path: Path) -> str:
    """Name a clip by the number in its file's or folder's name: ``1.mp4`` and ``00001`` are '00001'."""
    return f'{int(os.path.splitext(path.name)[0]):05d}'


def _walk(folder: Path, entered: set[str], unreadable: dict[Path, str]) -> Iterator[tuple[str, Path]]:
    """Yield (field of Distribution, path); a frame folder is not listed past its first image. Each folder once."""
    real = os.path.realpath(folder)
    if real in entered:
        return
    entered.add(real)
    below, files = [], []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if is_system_file(entry.name):
                    continue
                if _is_folder(entry):
                    below.append(entry.name)
                elif folder.name.isdecimal() and entry.name.lower().endswith(FRAME_SUFFIXES):
                    yield 'frames', folder
                    return
                else:
                    files.append(entry.name)
    except OSError as error:
        unreadable[folder] = (f'this folder cannot be read ({error.strerror or error}). Correct the permissions, or '
                              'copy the distribution again.')
    for name in sorted(files):
        yield _kind(name), folder / name
    for name in sorted(below):
        yield from _walk(folder / name, entered, unreadable)


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a loop of links
        return False


def _kind(name: str) -> str:
    stem, suffix = os.path.splitext(name.lower())
    if suffix in VIDEO_SUFFIXES:
        return 'videos' if stem.isdecimal() else 'other'
    if suffix in AUDIO_SUFFIXES and stem.isdecimal():
        return 'audio'
    return 'lists' if suffix in ('.csv', '.txt') else 'unused'
