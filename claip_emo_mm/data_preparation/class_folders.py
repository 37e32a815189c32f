"""Videos in one folder per class, and their assignment to splits."""
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from claip_emo_mm.data_preparation.clips import LONGEST_ENDING, Failure
from claip_emo_mm.errors import InputError, named, printable
from claip_emo_mm.media.containers import VIDEO_SUFFIXES, is_system_file
from claip_emo_mm.utils.file_errors import reading
from claip_emo_mm.utils.io import file_stem

SPLITS = ('train', 'val', 'test')

_EXPECTED = 'videos (mp4, avi, mkv, mov, mpg, mts, webm and what else FFmpeg reads)'


@dataclass(frozen=True)
class LabeledVideo:
    """One video, with the name of its class and a unique id that is a valid file name."""
    path: Path
    label: str
    clip_id: str


@dataclass
class ClassFolders:
    """What a folder of class folders holds."""
    videos: list[LabeledVideo] = field(default_factory=list)  # by class folder and name
    failures: list[Failure] = field(default_factory=list)  # also classes without a video
    unused: list[Path] = field(default_factory=list)  # no videos by their names, nor hidden or system files
    empty: list[str] = field(default_factory=list)  # classes without a video
    clip_files: dict[str, Path] = field(default_factory=dict)
    entered: dict[str, Path] = field(default_factory=dict)  # real path -> folder: no link leads into another class

    @property
    def classes(self) -> list[str]:
        """Names of the classes that have videos, label 0 first."""
        return sorted({video.label for video in self.videos})

    def fail(self, path: Path | str, stage: str, reason: str) -> None:
        """Note why a file or folder cannot be used."""
        self.failures.append(Failure(printable(os.path.basename(path)), printable(path), stage,
                                     f'{printable(path)}: {reason}'))


def find_labeled_videos(root: Path) -> ClassFolders:
    """Find the videos of each subfolder at any depth, each folder once; what cannot be used is in the result."""
    if not root.is_dir():
        raise InputError(f'{root}: there is no such folder. Expected one with a subfolder of videos for each class.')
    with reading(root):
        entries = sorted(path for path in root.iterdir() if not is_system_file(path.name))
    loose = [path.name for path in entries if _is_video(path)]
    if loose:
        raise InputError(f'{root}: {len(loose)} videos lie beside the subfolders ({named(loose)}), so that their class '
                         'is not known. Put each into the subfolder that is named by its class.')
    folders = list(filter(os.path.isdir, entries))
    found = ClassFolders(unused=[path for path in entries if path not in folders])
    for folder in (root, *folders):
        found.entered.setdefault(os.path.realpath(folder), folder)
    for folder in folders:
        _search(root, folder, found)
    found.empty = sorted({printable(folder.name.strip()) for folder in folders} - {*found.classes})
    if len(found.classes) < 2:
        reasons = ''.join(f' {failure.reason}' for failure in found.failures[:3])
        raise InputError(f'{root}: {_EXPECTED} in {len(found.classes)} subfolders '
                         f'({", ".join(found.classes) or "none"}). Expected at least two: a subfolder for each '
                         f'class.{reasons}')
    return found


def _search(root: Path, folder: Path, found: ClassFolders) -> None:
    """Add what a class folder holds."""
    if not _is_text(folder, root, found):
        return
    videos, failures, unused = len(found.videos), len(found.failures), len(found.unused)
    for path in _walk(folder, found):
        if not _is_video(path):
            found.unused.append(path)
        elif _is_text(path, root, found):
            clip_id = file_stem('_'.join(path.relative_to(root).parts), LONGEST_ENDING)
            other = found.clip_files.setdefault(clip_id, path)
            if other == path:
                found.videos.append(LabeledVideo(path, folder.name.strip(), clip_id))
            else:
                found.failures.append(Failure(clip_id, str(path), 'source', f'{path} and {other} would both be called '
                                              f'{clip_id}. Rename one.'))
    if len(found.videos) == videos and len(found.failures) == failures:
        names = [path.name for path in found.unused[unused:]]
        what = f'{len(names)} other files ({named(names)})' if names else 'no file'
        found.fail(folder, 'folder', f'{what} and no video in this subfolder. Expected {_EXPECTED}: convert the '
                   'files, or remove the folder.')


def _is_text(path: Path, root: Path, found: ClassFolders) -> bool:
    name = str(path.relative_to(root))
    if printable(name) != name:
        found.fail(path, 'folder' if os.path.isdir(path) else 'source', 'its name is not in UTF-8, which lists are '
                   'written in. Rename it.')
        return False
    return True


def _walk(folder: Path, found: ClassFolders) -> Iterator[Path]:
    """Yield the files of a folder at any depth; what cannot be entered becomes a failure."""
    def note(error: OSError) -> None:
        found.fail(error.filename, 'folder', f'this folder cannot be read ({error.strerror or error}). Correct the '
                   'permissions.')

    for where, below, names in os.walk(folder, onerror=note, followlinks=True):
        other = found.entered.setdefault(os.path.realpath(where), Path(where))
        if other != Path(where):
            below.clear()
            found.fail(where, 'folder', f'the same folder as {printable(other)}, which was read. Take the link out.')
            continue
        below[:] = sorted(name for name in below if not is_system_file(name))
        yield from (Path(where, name) for name in sorted(names) if not is_system_file(name))


def _is_video(path: Path) -> bool:
    return path.suffix.lower() in VIDEO_SUFFIXES and not os.path.isdir(path)


def assign_splits(videos: Sequence[LabeledVideo], ratios: tuple[int, int, int], seed: int,
                  speaker_regex: str | None = None) -> dict[str, list[LabeledVideo]]:
    """Assign videos to train, val and test by percentages, stratified by class.

    All videos of a speaker, whose name is the regex's first group, such as in ``'^([^_]+)_'``, go to one split. It is
    searched in the file's name, or, with a slash in it, in FOLDER/NAME.
    """
    if sum(ratios) != 100 or min(ratios) < 1:
        raise InputError(f'--split {" ".join(map(str, ratios))}: expected three percentages from 1 that sum to 100.')
    if seed < 0:
        raise InputError(f'--seed {seed}: must be 0 or more.')
    assigned: dict[str, list[LabeledVideo]] = {split: [] for split in SPLITS}
    labels = sorted({video.label for video in videos})
    if speaker_regex is not None:
        _assign_groups(_by_speaker(videos, speaker_regex), ratios, np.random.default_rng(seed), assigned)
        for split, members in assigned.items():
            absent = sorted({*labels} - {video.label for video in members})
            if absent:
                raise InputError(f'{", ".join(absent)}: not shown by any of the people in the {split} split. Try '
                                 'another --seed, or other ratios with --split.')
    else:
        for number, label in enumerate(labels):
            groups = [[video] for video in videos if video.label == label]
            if len(groups) < len(SPLITS):
                raise InputError(f'{label}: {len(groups)} videos. Expected at least {len(SPLITS)}: one for each split.')
            _assign_groups(groups, ratios, np.random.default_rng([seed, number]), assigned)
    return {split: sorted(members, key=lambda video: video.clip_id) for split, members in assigned.items()}


def _assign_groups(groups: Sequence[list[LabeledVideo]], ratios: tuple[int, int, int], rng: np.random.Generator,
                   assigned: dict[str, list[LabeledVideo]]) -> None:
    """Fill test, then val, each with a group at least and about its ratio of the videos; train gets the rest."""
    count = sum(map(len, groups))
    order = [groups[index] for index in rng.permutation(len(groups))]
    for split, ratio, left_for_others in (('test', ratios[2], 2), ('val', ratios[1], 1)):
        wanted, given = count * ratio / 100, 0
        while len(order) > left_for_others and (not given or given + len(order[-1]) / 2 <= wanted):
            group = order.pop()
            given += len(group)
            assigned[split] += group
    for group in order:
        assigned['train'] += group


def speaker_of(video: LabeledVideo, pattern: re.Pattern[str]) -> str | None:
    """Name of the speaker in a video's file name, or in FOLDER/NAME for a pattern with a slash; None without one."""
    within = '/'.join(video.path.parts[-2:]) if '/' in pattern.pattern else video.path.name
    match = pattern.search(within)
    return (match.group(1) or None) if match else None


def _by_speaker(videos: Sequence[LabeledVideo], speaker_regex: str) -> list[list[LabeledVideo]]:
    option = f'--speaker-regex {speaker_regex}'
    try:
        pattern = re.compile(speaker_regex)
    except re.error as error:
        raise InputError(f'{option}: no regular expression ({error}).') from error
    if pattern.groups < 1:
        raise InputError(f"{option}: expected a group that is the person's name, such as '^([^_]+)_'.")
    people: dict[str, list[LabeledVideo]] = {}
    for video in videos:
        name = speaker_of(video, pattern)
        if name is None:
            raise InputError(f'{video.path}: {option} does not fit the file name {video.path.name}.')
        people.setdefault(name, []).append(video)
    if len(people) < len(SPLITS):
        raise InputError(f'{option}: {len(people)} people found ({", ".join(sorted(people))}). Expected at least '
                         f'{len(SPLITS)}: one for each split.')
    return [people[name] for name in sorted(people)]
