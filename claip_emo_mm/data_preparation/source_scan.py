"""What lies in the folder that a data set's owners hand out, found by content: videos, frame folders, audio, lists."""
import logging
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from claip_emo_mm.errors import InputError, named, printable
from claip_emo_mm.media.containers import AUDIO_SUFFIXES, VIDEO_SUFFIXES, is_system_file
from claip_emo_mm.media.image_folder import FRAME_SUFFIXES

LIST_SUFFIXES = ('.csv', '.txt')

_KINDS_NAMED = 5
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ClipSource:
    """The files of one clip; None for what there is not.

    Args:
        clip_id: number of the clip with five digits.
        video: video file.
        frames: folder of image files.
        audio: audio file.
    """
    clip_id: str
    video: Path | None = None
    frames: Path | None = None
    audio: Path | None = None


@dataclass
class Distribution:
    """The content of a folder.

    Args:
        root: the folder.
        videos, frames, audio: clip id -> every video, frame folder and audio file that is named by its number.
        lists: csv and txt files.
        other: videos that are not named by a number.
        unused: suffix -> how many other files there are, audio that is not named by a number for instance, and one.
        unreadable: folder that the system does not let us read -> why.
    """
    root: Path
    videos: dict[str, list[Path]] = field(default_factory=dict)
    frames: dict[str, list[Path]] = field(default_factory=dict)
    audio: dict[str, list[Path]] = field(default_factory=dict)
    lists: list[Path] = field(default_factory=list)
    other: list[Path] = field(default_factory=list)
    unused: dict[str, tuple[int, Path]] = field(default_factory=dict)
    unreadable: dict[Path, str] = field(default_factory=dict)

    def clips(self) -> dict[str, ClipSource]:
        """Return every clip that has frames, by its id.

        Raises:
            InputError: there is none, or a clip has two videos, two frame folders or two audio files.
        """
        for kind, found, option in (('videos', self.videos, '--videos'), ('frame folders', self.frames, '--frames'),
                                    ('audio files', self.audio, '--audio')):
            self._check_single(kind, found, option)
        framed = sorted({*self.videos, *self.frames})
        if not framed:
            raise InputError(f'{self.root}: {self._describe_unknown()}. Expected videos (mp4, avi, mkv, mov, mpg, mts, '
                             'webm ...) or folders of frames (jpg, png, bmp) that are named by the number of the clip, '
                             'as 00001.mp4 or 00001/, in this folder or deeper. Unpack the archives that the owners '
                             'hand out, and name the folder that they are in.')
        first = {kind: {clip_id: paths[0] for clip_id, paths in getattr(self, kind).items()}
                 for kind in ('videos', 'frames', 'audio')}
        return {clip_id: ClipSource(clip_id, *(first[kind].get(clip_id) for kind in ('videos', 'frames', 'audio')))
                for clip_id in framed}

    def _check_single(self, kind: str, found: dict[str, list[Path]], option: str) -> None:
        double = {clip_id: paths for clip_id, paths in found.items() if len(paths) > 1}
        if double:
            clip_id = min(double)
            first, second = sorted(double[clip_id])[:2]
            raise InputError(f'{self.root}: {len(double)} clips have several {kind}; clip {clip_id} has {first} and '
                             f'{second}. Say which to use: {option} FOLDER, for instance {option} '
                             f'{self._telling_folder(first, second)}')

    def _telling_folder(self, first: Path, second: Path) -> Path:
        """The uppermost folder that holds the first of two paths and not the second."""
        above = [folder for folder in first.parents if folder not in second.parents and self.root in folder.parents]
        return above[-1] if above else first.parent

    def _describe_unknown(self) -> str:
        if self.other:
            return f'videos, but none is named by a number ({named(path.name for path in self.other)})'
        unread = ''.join(f'; {path} {reason}' for path, reason in self.unreadable.items())
        return f'neither videos nor folders of frames{unread}'

    def describe_unused(self) -> str:
        """Count the files that are of no use by their suffix, with one of each; '' where there are none."""
        counts = sorted(self.unused.items(), key=lambda item: -item[1][0])
        if self.other:
            counts.insert(0, ('videos not named by a number', (len(self.other), self.other[0])))
        shown = [f'{count} {what} ({printable(path.name)})' for what, (count, path) in counts]
        more = f' and {len(shown) - _KINDS_NAMED} more kinds' if len(shown) > _KINDS_NAMED else ''
        return f'{", ".join(shown[:_KINDS_NAMED])}{more}'


def find_distribution(root: Path, videos: Path | None = None, frames: Path | None = None, audio: Path | None = None,
                      left_out: Collection[Path] = ()) -> Distribution:
    """Look through a folder. Hidden files and folders are left out, links to folders are followed.

    Args:
        root: the folder.
        videos, frames, audio: folders to which the search for these is confined.
        left_out: folders not to enter.
    Raises:
        InputError: a folder is not there, or the root cannot be read; of others the result says so.
    """
    confined = {'videos': videos or root, 'frames': frames or root, 'audio': audio or root}
    for folder in (root, *confined.values()):
        if not folder.is_dir():
            raise InputError(f'{folder}: there is no such folder. Expected the folder into which the distribution was '
                             'unpacked.')
    found = Distribution(root)
    entered = {os.path.realpath(folder) for folder in left_out}
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
    """Name a clip by the number that a file or folder of it is called: ``1.mp4`` and ``00001`` are '00001'."""
    return f'{int(_stem(path.name)):05d}'


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
    suffix, numbered = os.path.splitext(name)[1].lower(), _stem(name).isdecimal()
    if suffix in VIDEO_SUFFIXES:
        return 'videos' if numbered else 'other'
    if suffix in AUDIO_SUFFIXES and numbered:
        return 'audio'
    return 'lists' if suffix in LIST_SUFFIXES else 'unused'


def _stem(name: str) -> str:
    return os.path.splitext(name)[0]
