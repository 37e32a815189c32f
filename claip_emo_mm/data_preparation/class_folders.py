"""Videos in one folder per class, and their splits."""
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from claip_emo_mm.data_preparation.clips import LONGEST_ENDING, Failure
from claip_emo_mm.errors import InputError, named, printable
from claip_emo_mm.media.containers import VIDEO_SUFFIXES, is_system_file
from claip_emo_mm.utils.io import file_stem

EXPECTED = 'videos (mp4, avi, mkv, mov, mpg, mts, webm and what else FFmpeg reads)'


@dataclass(frozen=True)
class LabeledVideo:
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
class ClassFolders:
    """What a folder of class folders holds.

    Args:
        videos: by class folder and name.
        failures: files and folders that cannot be used, and classes without a video, with the reason.
        unused: files that are no videos by their names; hidden and system files are not among them.
        empty: classes without a video.
    """
    videos: list[LabeledVideo] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    unused: list[Path] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)

    @property
    def classes(self) -> list[str]:
        """Names of the classes that have videos, label 0 first."""
        return sorted({video.label for video in self.videos})


def find_labeled_videos(root: Path) -> ClassFolders:
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
    found = ClassFolders(unused=[path for path in entries if not os.path.isdir(path)])
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


def _search(root: Path, folder: Path, found: ClassFolders, owners: dict[str, Path],
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
        found.videos.append(LabeledVideo(path, label, clip_id))
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


SPLITS = ('train', 'val', 'test')


def assign_splits(videos: Sequence[LabeledVideo], ratios: tuple[int, int, int], seed: int,
             person: str | None = None) -> dict[str, list[LabeledVideo]]:
    """Deal videos out to the splits.

    Without `person` each class is dealt out by itself, so that all splits have the same mixture; with it a person's
    videos stay together, so that the test is on people whom the model does not know.

    Args:
        videos: all of them.
        ratios: of training, validation and test, in percent.
        seed: the same seed deals in the same way.
        person: regular expression whose first group is the person's name in a file name, such as ``'^([^_]+)_'``.
    Raises:
        InputError: the shares do not sum to 100, a class or the people are too few, or the expression does not fit.
    """
    if sum(ratios) != 100 or min(ratios) < 1:
        raise InputError(f'--split {" ".join(map(str, ratios))}: expected three percentages from 1 that sum to 100.')
    if seed < 0:
        raise InputError(f'--seed {seed}: must be 0 or more.')
    dealt: dict[str, list[LabeledVideo]] = {split: [] for split in SPLITS}
    if person is not None:
        _deal_groups(_people(videos, person), len(videos), ratios, np.random.default_rng(seed), dealt)
        _require_classes(videos, dealt)
    else:
        for number, label in enumerate(sorted({video.label for video in videos})):
            groups = [[video] for video in videos if video.label == label]
            if len(groups) < len(SPLITS):
                raise InputError(f'{label}: {len(groups)} videos. Expected at least {len(SPLITS)}: one each for '
                                 'training, validation and test.')
            _deal_groups(groups, len(groups), ratios, np.random.default_rng([seed, number]), dealt)
    return {split: sorted(members, key=lambda video: video.clip_id) for split, members in dealt.items()}


def _deal_groups(groups: Sequence[list[LabeledVideo]], count: int, ratios: tuple[int, int, int],
                 stream: np.random.Generator, dealt: dict[str, list[LabeledVideo]]) -> None:
    """Fill test, then validation, each with a group at least and about its ratio of the videos; train gets the rest."""
    order = [groups[index] for index in stream.permutation(len(groups))]
    for split, ratio, left_for_others in (('test', ratios[2], 2), ('val', ratios[1], 1)):
        wanted, given = count * ratio / 100, 0
        while len(order) > left_for_others and (not given or given + len(order[-1]) / 2 <= wanted):
            group = order.pop()
            given += len(group)
            dealt[split] += group
    for group in order:
        dealt['train'] += group


def _people(videos: Sequence[LabeledVideo], person: str) -> list[list[LabeledVideo]]:
    try:
        pattern = re.compile(person)
    except re.error as error:
        raise InputError(f'--speaker-regex {person}: no regular expression ({error}).') from error
    if pattern.groups < 1:
        raise InputError(f"--speaker-regex {person}: expected a group that is the person's name, such as '^([^_]+)_'.")
    people: dict[str, list[LabeledVideo]] = {}
    for video in videos:
        match = pattern.search(video.path.name)
        if match is None or not match.group(1):
            raise InputError(f'{video.path}: --speaker-regex {person} does not fit the file name {video.path.name}.')
        people.setdefault(match.group(1), []).append(video)
    if len(people) < len(SPLITS):
        raise InputError(f'--speaker-regex {person}: {len(people)} people found ({", ".join(sorted(people))}). '
                         'Expected at '
                         f'least {len(SPLITS)}: one each for training, validation and test.')
    return [people[name] for name in sorted(people)]


def _require_classes(videos: Sequence[LabeledVideo], dealt: dict[str, list[LabeledVideo]]) -> None:
    for split, members in dealt.items():
        absent = sorted({video.label for video in videos} - {video.label for video in members})
        if absent:
            raise InputError(f'{", ".join(absent)}: not shown by any of the people in the {split} split. Try another '
                             '--seed, or other shares with --split.')
