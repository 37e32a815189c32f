"""A folder of one's own: a subfolder of videos for each class, and what else lies in it."""
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from claip_emo_mm.data_preparation.clip_preparation import LONGEST_ENDING, Failure
from claip_emo_mm.errors import InputError
from claip_emo_mm.media import VIDEO_SUFFIXES, is_system_file
from claip_emo_mm.utils import file_stem, named, printable

EXPECTED = 'videos (mp4, avi, mkv, mov, mpg, mts, webm and what else FFmpeg reads)'


@dataclass(frozen=True)
class LabelledVideo:
    """One video.

    Args:
        path: the file.
        label: name of the class, which is that of the subfolder, without blanks around it.
        clip_id: a name that no other video has, fit for a file.
    """
    path: Path
    label: str
    clip_id: str


@dataclass
class LabelledFolders:
    """What a folder of class folders holds.

    Args:
        videos: by class folder and name.
        failures: files and folders that cannot be used, and classes without a video, with the reason.
        unused: files that are no videos by their names; hidden and system files are not among them.
        empty: classes without a video.
    """
    videos: list[LabelledVideo] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    unused: list[Path] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)

    @property
    def classes(self) -> list[str]:
        """Names of the classes that have videos, label 0 first."""
        return sorted({video.label for video in self.videos})


def find_labelled_videos(root: Path) -> LabelledFolders:
    """Find the videos of each subfolder, however deep; each folder once, also where links lead to it again.

    What cannot be used is named in the result and does not end the search.

    Raises:
        InputError: the folder is not there or cannot be read, has fewer than two subfolders with videos, or videos
            beside these.
    """
    if not root.is_dir():
        raise InputError(f'{root}: there is no such folder. Expected one with a subfolder of videos for each class.')
    try:
        entries = sorted(path for path in root.iterdir() if not is_system_file(path.name))
    except OSError as error:
        raise InputError(f'{root}: cannot be read ({error.strerror or error}). Correct the permissions.') from error
    loose = [path.name for path in entries if _is_video(path)]
    if loose:
        raise InputError(f'{root}: {len(loose)} videos lie beside the subfolders ({named(loose)}), so '
                         'that their class is not known. Put each into the subfolder that is named by its class.')
    found = LabelledFolders(unused=[path for path in entries if not os.path.isdir(path)])
    owners: dict[str, Path] = {}
    folders = list(filter(os.path.isdir, entries))
    entered: dict[str, Path] = {}  # no link out of one class leads into another
    for folder in (root, *folders):
        entered.setdefault(os.path.realpath(folder), folder)
    for folder in folders:
        if printable(folder.name) != folder.name:
            found.failures.append(_undecodable(folder))
            found.empty.append(printable(folder.name))
        else:
            _search(root, folder, found, owners, entered)
    labels = {video.label for video in found.videos}
    found.empty = sorted({label for label in found.empty if label not in labels})
    if len(labels) < 2:
        reasons = ''.join(f' {failure.reason}' for failure in found.failures[:3])
        raise InputError(f'{root}: {EXPECTED} in {len(labels)} subfolders ({", ".join(sorted(labels)) or "none"}). '
                         f'Expected at least two: a subfolder for each class.{reasons}')
    return found


def _search(root: Path, folder: Path, found: LabelledFolders, owners: dict[str, Path],
            entered: dict[str, Path]) -> None:
    """Add what a class folder holds."""
    label, videos, unused, failed = folder.name.strip(), 0, [], len(found.failures)
    for path in _walk(folder, found.failures, entered):
        if not _is_video(path):
            unused.append(path)
            continue
        name = '_'.join(path.relative_to(root).parts)
        if printable(name) != name:
            found.failures.append(_undecodable(path))
            continue
        clip_id = file_stem(name, LONGEST_ENDING)
        if clip_id in owners:
            found.failures.append(Failure(clip_id, str(path), 'source', f'{path} and {owners[clip_id]} would both '
                                          f'be called {clip_id}. Rename one.'))
            continue
        owners[clip_id] = path
        found.videos.append(LabelledVideo(path, label, clip_id))
        videos += 1
    found.unused += unused
    if not videos:
        found.empty.append(label)
        if len(found.failures) == failed:
            what = f'{len(unused)} other files ({named(path.name for path in unused)})' if unused else 'no file'
            found.failures.append(Failure(label, str(folder), 'folder', f'{folder}: {what} and no video in this '
                                          f'subfolder. Expected {EXPECTED}: convert the files, or remove the folder.'))


def _undecodable(path: Path) -> Failure:
    shown, stage = printable(path), 'folder' if os.path.isdir(path) else 'source'
    return Failure(printable(path.name), shown, stage, f'{shown}: its name is not in UTF-8, which lists are '
                   'written in. Rename it.')


def _walk(folder: Path, failures: list[Failure], entered: dict[str, Path]) -> Iterator[Path]:
    """Yield the files of a folder, however deep; what cannot be entered becomes a failure."""
    def note(error: OSError) -> None:
        where = printable(error.filename)
        failures.append(Failure(printable(Path(error.filename).name), where, 'folder', f'{where}: this folder cannot '
                                f'be read ({error.strerror or error}). Correct the permissions.'))

    for where, below, names in os.walk(folder, onerror=note, followlinks=True):
        other = entered.setdefault(os.path.realpath(where), Path(where))
        if other != Path(where):
            below.clear()
            failures.append(Failure(printable(Path(where).name), printable(where), 'folder', f'{printable(where)}: '
                                    f'the same folder as {printable(other)}, which was read. Take the link out.'))
            continue
        below[:] = sorted(name for name in below if not is_system_file(name))
        yield from (Path(where, name) for name in sorted(names) if not is_system_file(name))


def _is_video(path: Path) -> bool:
    return path.suffix.lower() in VIDEO_SUFFIXES and not os.path.isdir(path)
