"""Official and customary splits of the published data sets: folds, list paths, clips per class."""
import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from mmengine.logging import print_log

from claip_emo_mm.datasets.labels import (
    CREMAD,
    DFEW,
    ENTERFACE05,
    MAFW,
    MAFW_COMPOUND,
    MELD,
    RAVDESS,
    RAVDESS_7,
    SAVEE,
    LabelSchema,
)
from claip_emo_mm.errors import InputError, check_choice

NUM_FOLDS = 5  # of DFEW and MAFW
FOLD_SPLITS = ('train', 'test')
# Clips of each class, label 0 first, in all five test splits, which together are the whole set. Every class is spread
# evenly over them, the first ones with the remainder.
_TOTALS = {
    DFEW.name: (2445, 1894, 2669, 2173, 1469, 145, 902),
    MAFW.name: (1390, 639, 625, 1242, 1138, 1470, 1072, 236, 916, 262, 182),
    MAFW_COMPOUND.name: (
        425, 310, 180, 1075, 1138, 610, 497, 111, 408, 143, 41, 883, 156, 392, 52, 208, 185, 33, 218, 96, 98, 232, 206,
        22, 45, 542, 90, 32, 54, 13, 39, 26, 59, 76, 12, 131, 18, 37, 17, 19, 36, 19, 12),
}
# Clips of each class, label 0 first, in the test split of each fold.
_TEST_COUNTS = {
    **{name: tuple(tuple((total + NUM_FOLDS - fold) // NUM_FOLDS for total in totals)
                   for fold in range(1, NUM_FOLDS + 1)) for name, totals in _TOTALS.items()},
    CREMAD.name: ((250, 250, 250, 250, 213, 250), (251, 251, 251, 251, 215, 251),
                  *((252, 252, 252, 252, 216, 252),) * 2, (266, 266, 266, 266, 227, 266)),
    RAVDESS.name: ((16, *(32,) * 7),) * 6,
    RAVDESS_7.name: ((16, *(32,) * 6),) * 6,
    ENTERFACE05.name: (*((45,) * 6,) * 2, (45, 45, 45, 42, 45, 45), (45,) * 6, (35,) * 6),
    SAVEE.name: ((15, 15, 15, 15, 30, 15, 15),) * 4,
}
# The same of a set without folds, by its split.
_SPLIT_COUNTS = {MELD.name: {'train': (4710, 1205, 268, 683, 1743, 271, 1109), 'val': (470, 150, 40, 111, 163, 22, 153),
                             'test': (1256, 281, 50, 208, 402, 68, 345)}}
# Clips of the official lists that others lack, by the fold or split that tests them: those of MAFW without audio; those
# of CREMA-D that HiCMAE leaves out; a broken one, a missing one and two of minutes of MELD.
_EXCLUDED = {
    MAFW.name: ({'anger': 1, 'surprise': 2}, {'anger': 1, 'sadness': 3}, {'happiness': 6},
                {'neutral': 2, 'sadness': 1}, {}),
    CREMAD.name: ({}, {}, {'sad': 1}, {'disgust': 1, 'sad': 1}, {'neutral': 1, 'sad': 1}),
    MELD.name: {'train': {'neutral': 1}, 'val': {'neutral': 1}, 'test': {'joy': 1, 'disgust': 1}},
}


@dataclass(frozen=True)
class OfficialSplit:
    """A split of an official fold, or of a set without folds.

    Args:
        schema: of a published data set, such as DFEW.
        fold: from 1; None for a set without folds.
        split: ``'train'`` or ``'test'``; without folds also ``'val'``.
        address: where the set is downloaded, for messages; '' where its owners send it.
    """

    schema: LabelSchema
    fold: int | None
    split: str
    address: str = field(default='', compare=False)

    def __post_init__(self) -> None:
        count = num_folds(self.schema)
        if count and (not isinstance(self.fold, int) or self.fold not in range(1, count + 1)):
            raise InputError(f'{self.schema.title}: fold is {self.fold!r}. Expected 1 to {count}.')
        if not count and self.fold is not None:
            raise InputError(f'{self.schema.title}: fold is {self.fold!r}, but the set has no folds: leave it out.')
        check_choice(self.schema.title, FOLD_SPLITS if count else tuple(_SPLIT_COUNTS[self.schema.name]),
                     split=self.split)

    @property
    def title(self) -> str:
        """Name in messages."""
        return ', '.join(filter(None, (self.schema.title, self.fold and f'fold {self.fold}', self.split)))

    def hint(self, data_root: str) -> str:
        """Say how the lists of the data set are made."""
        data_set, _, kind = self.schema.name.partition('_')
        classes = f' --classes {kind}' if kind else ''
        title = self.schema.title.partition(' ')[0]
        return (f'Have {title} from {self.address or "its owners"}, then: python tools/prepare_data.py {data_set} '
                f'DOWNLOAD{classes} --out {data_root}; python tools/check_data.py CONFIG. Where it lies elsewhere, '
                'correct data_root.')

    def differing_counts(self, labels: Iterable[str]) -> dict[str, tuple[int, int]]:
        """Class -> (clips found, clips in the official list), where they differ; {} also without `excluded_counts`."""
        found = count_by_class(labels, self.schema)
        official = official_counts(self.schema, self.fold, self.split)
        excluded = excluded_counts(self.schema, self.fold, self.split)
        fewer = tuple(count - less for count, less in zip(official, excluded, strict=True))
        if found in (official, fewer):
            return {}
        return {name: (here, there) for name, here, there in zip(self.schema.classes, found, official, strict=True)
                if here != there}

    def log_counts(self, path: str, labels: Sequence[str]) -> None:
        """Log how a list with these class names compares with the official counts; as a warning where they differ."""
        differing = self.differing_counts(labels)
        counts = ', '.join(f'{name} {here} ({there})' for name, (here, there) in differing.items())
        comparison = f'. Published are other numbers (in brackets): {counts}' if differing else (
            ', in each class as many as published')
        print_log(f'{path}: {len(labels)} clips of {self.title}{comparison}', logger='current',
                  level=logging.WARNING if differing else logging.INFO)


def num_folds(schema: LabelSchema) -> int:
    """Number of folds of a published data set; 0 for one without.

    Raises:
        InputError: the schema is of no published data set.
    """
    if schema.name not in (*_TEST_COUNTS, *_SPLIT_COUNTS):
        raise InputError(f'{schema.title}: no published data set. Expected one of '
                         f'{", ".join((*_TEST_COUNTS, *_SPLIT_COUNTS))}.')
    return len(_TEST_COUNTS.get(schema.name, ()))


def official_counts(schema: LabelSchema, fold: int | None, split: str) -> tuple[int, ...]:
    """Return the clips of each class in the official list of an `OfficialSplit`, label 0 first."""
    OfficialSplit(schema, fold, split)
    if fold is None:
        return _SPLIT_COUNTS[schema.name][split]
    folds = _TEST_COUNTS[schema.name]
    return folds[fold - 1] if split == 'test' else tuple(
        total - count for total, count in zip(map(sum, zip(*folds, strict=True)), folds[fold - 1], strict=True))


def excluded_counts(schema: LabelSchema, fold: int | None, split: str) -> tuple[int, ...]:
    """Return the clips of each class in the official list of a fold or split that others lack."""
    OfficialSplit(schema, fold, split)
    groups = _EXCLUDED.get(schema.name, {})
    if fold is None:
        chosen = [groups.get(split, {})]
    else:
        chosen = [counts for number, counts in enumerate(groups, 1) if (number == fold) == (split == 'test')]
    return tuple(sum(counts.get(name, 0) for counts in chosen) for name in schema.classes)


def count_by_class(labels: Iterable[str], schema: LabelSchema) -> tuple[int, ...]:
    """Count class names, label 0 first."""
    counts = Counter(labels)
    return tuple(counts[name] for name in schema.classes)


def fold_list(fold: int, split: str, kind: str = '') -> str:
    """Path of a fold's list in a data set: ``lists/fold1_train.csv``, ``lists/single/fold1_train.csv``."""
    return '/'.join(filter(None, ('lists', kind, f'fold{fold}_{split}.csv')))
