"""Description of a data set whose clips are told by the names of their files."""
import re
import runpy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from claip_emo_mm.datasets.labels import LabelSchema
from claip_emo_mm.datasets.official_splits import FOLD_SPLITS, fold_list
from claip_emo_mm.errors import InputError

KINDS = ('videos', 'audio')
_GROUPS = ('person', 'emotion', 'split')


@dataclass(frozen=True)
class Exclusion:
    """Files that are left out on purpose."""
    pattern: str  # regular expression that is found in their paths
    reason: str
    source: str = ''  # who says so


@dataclass(frozen=True)
class LabelTable:
    """Lists of the owners that say the emotion of each clip, where names do not."""
    files: Mapping[str, str]  # split -> name of its csv file
    clip: str  # template of the columns (in lower case), equal to `Corpus.clip_id` without the split
    label: str  # column of the emotion, in lower case
    address: str  # where the files are had
    missing: Mapping[str, str] = field(default_factory=dict)  # id of a clip that the download lacks -> who says so


@dataclass(frozen=True)
class NamedClip:
    """What the path of a file says of its clip."""
    clip_id: str  # a valid file name, the same for all files of the clip
    label: str  # class; '' where a table says it, and of a file that is left out
    person: str = ''  # whose clips are tested in the same fold
    split: str = ''  # of an official split


@dataclass(frozen=True)
class Corpus:
    r"""What is particular to a data set: names, classes, folds, known-bad clips, download and license.

    `videos` and `audio` are regular expressions of the end of a path, whose parts are joined by ``/``, the preferred
    file first. Their groups are ``emotion``, a key of `labels`; ``person`` or ``split``, by which clips are tested; and
    others that `clip_id` joins. A clip without a file of `audio` takes the audio of its video.

    Args:
        schema: classes, label 0 first; with the name that commands and configs use.
        videos: such as ``(r'(?P<person>\d+)_(?P<emotion>[A-Z]+)\.mp4',)``.
        audio: the same for audio, which may be in files of videos.
        clip_id: template of the groups, such as ``'{person}_{emotion}'``.
        labels: code of the group ``emotion`` -> class.
        renamed: id by another name under which a clip was once published -> its id.
        folds: for each fold the persons (values of the group) whose clips it tests; all others train.
        splits: value of the group ``split`` -> train, val or test; in place of folds.
        table: lists that say the emotions in place of names.
        excluded: files that are left out, with the reason.
        protocol: what results are called by, such as whose folds and how many clips.
        address: where the data set is had; for messages.
        license: of the data set.
    Raises:
        InputError: an expression cannot be used, a group is missing, or classes and folds contradict each other.
    """

    schema: LabelSchema
    videos: Sequence[str]
    clip_id: str
    labels: Mapping[str, str] = field(default_factory=dict)
    audio: Sequence[str] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    folds: Sequence[Sequence[str]] = ()
    splits: Mapping[str, str] = field(default_factory=dict)
    table: LabelTable | None = None
    excluded: Sequence[Exclusion] = ()
    protocol: str = ''
    address: str = ''
    license: str = ''

    def __post_init__(self) -> None:
        needed = {'split' if self.splits else 'person', *(() if self.table else ('emotion',))}
        for kind in KINDS:
            for pattern in getattr(self, kind):
                try:
                    groups = set(re.compile(pattern).groupindex)
                except re.error as error:
                    raise InputError(f'{self.schema.title}: {kind} {pattern!r} is no regular expression ({error}).'
                                     ) from error
                needed_here = needed | set(re.findall(r'{(\w+)}', self.clip_id))
                if needed_here - groups:
                    raise InputError(f'{self.schema.title}: {kind} {pattern!r} lacks the groups '
                                     f'{", ".join(sorted(needed_here - groups))}. Write each as (?P<name>...).')
        unknown = {*self.labels.values()} - {*self.schema.classes}
        if unknown:
            raise InputError(f'{self.schema.title}: labels names {", ".join(sorted(unknown))}, which are none of the '
                             f'classes {", ".join(self.schema.classes)}.')
        tested = [person for fold in self.folds for person in fold]
        if bool(self.folds) == bool(self.splits) or len(set(tested)) < len(tested) or len(self.folds) == 1:
            raise InputError(f'{self.schema.title}: expected two folds or more, in which each person is tested once, '
                             'or splits.')

    @property
    def name(self) -> str:
        """Name in commands, common to all label sets."""
        return self.schema.name.partition('_')[0]

    def exclusion(self, path: str) -> Exclusion | None:
        """Why a file is left out; None where it is not."""
        return next((entry for entry in self.excluded if re.search(entry.pattern, path)), None)

    def find(self, path: str, kind: str) -> tuple[int, NamedClip] | None:
        """Tell the clip of a file of 'videos' or 'audio' by its path; returns it behind the pattern's place, from 0."""
        for place, pattern in enumerate(getattr(self, kind)):
            found = re.search(rf'(?:^|/)(?:{pattern})$', path)
            if found:
                return place, self._clip(found.groupdict(), path)
        return None

    def _clip(self, groups: Mapping[str, str], path: str) -> NamedClip:
        split, emotion = groups.get('split', ''), groups.get('emotion', '')
        if self.splits:
            split = self.splits[split]
        label = '' if self.table else self.labels.get(emotion)
        if label is None and self.exclusion(path) is None:
            raise InputError(f'{path}: emotion {emotion!r} is none of {", ".join(self.labels)} in the description of '
                             f'{self.schema.title}.')
        clip_id = self.clip_id.format_map({**groups, 'split': split})
        return NamedClip(self.renamed.get(clip_id, clip_id), label or '', groups.get('person', ''), split)

    def lists(self, clips: Iterable[NamedClip]) -> dict[str, list[NamedClip]]:
        """Assign clips to lists, given by their paths below the data root, in the order of their ids.

        Raises:
            InputError: a clip is of a person of no fold.
        """
        clips = sorted(clips, key=lambda clip: clip.clip_id)
        if self.splits:
            return {split_list(split): [clip for clip in clips if clip.split == split]
                    for split in self.splits.values()}
        fold_of = {person: fold for fold, persons in enumerate(self.folds, 1) for person in persons}
        for clip in clips:
            if clip.person not in fold_of:
                raise InputError(f'{clip.clip_id}: person {clip.person} is in none of the {len(self.folds)} folds of '
                                 f'{self.schema.title}.')
        return {fold_list(fold, split): [clip for clip in clips if (fold_of[clip.person] == fold) == (split == 'test')]
                for fold in range(1, len(self.folds) + 1) for split in FOLD_SPLITS}


def split_list(split: str) -> str:
    """Path of the list of an official split in a data set without folds."""
    return f'lists/{split}.csv'


def read_corpus(path: Path) -> Corpus:
    """Run a user's Python file, and return the description that it calls `corpus`."""
    if not path.is_file():
        raise InputError(f'{path}: there is no such file. Expected a Python file that defines `corpus`.')
    try:
        found = runpy.run_path(str(path)).get('corpus')
    except InputError:
        raise
    except Exception as error:  # whatever is wrong with it
        raise InputError(f'{path}: cannot be run ({type(error).__name__}: {error}). Correct it.') from error
    if not isinstance(found, Corpus):
        raise InputError(f'{path}: `corpus` is {type(found).__name__}. Expected corpus = Corpus(...), from '
                         'claip_emo_mm.datasets.')
    return found
