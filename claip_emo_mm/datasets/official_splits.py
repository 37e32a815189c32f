"""Official splits of DFEW and MAFW: folds, list paths, clips per class."""
import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mmengine.logging import print_log

from claip_emo_mm.datasets.labels import DFEW, MAFW, MAFW_COMPOUND, LabelSchema
from claip_emo_mm.errors import InputError, check_choice

NUM_FOLDS = 5
FOLD_SPLITS = ('train', 'test')
# Clips of each class, label 0 first, in all five test splits, which together are the whole set.
_TOTALS = {
    DFEW.name: (2445, 1894, 2669, 2173, 1469, 145, 902),
    MAFW.name: (1390, 639, 625, 1242, 1138, 1470, 1072, 236, 916, 262, 182),
    MAFW_COMPOUND.name: (
        425, 310, 180, 1075, 1138, 610, 497, 111, 408, 143, 41, 883, 156, 392, 52, 208, 185, 33, 218, 96, 98, 232, 206,
        22, 45, 542, 90, 32, 54, 13, 39, 26, 59, 76, 12, 131, 18, 37, 17, 19, 36, 19, 12),
}
# Clips without audio of the official lists of MAFW, which its audiovisual lists lack, by the fold that tests them.
_WITHOUT_AUDIO = {MAFW.name: (
    {'anger': 1, 'surprise': 2}, {'anger': 1, 'sadness': 3}, {'happiness': 6}, {'neutral': 2, 'sadness': 1}, {})}


@dataclass(frozen=True)
class OfficialSplit:
    """The train or test split of an official fold.

    Args:
        schema: DFEW, MAFW or MAFW_COMPOUND.
        fold: 1 to 5.
        split: ``'train'`` or ``'test'``.
    """

    schema: LabelSchema
    fold: int
    split: str

    def __post_init__(self) -> None:
        if not isinstance(self.fold, int) or self.fold not in range(1, NUM_FOLDS + 1):
            raise InputError(f'{self.schema.title}: fold is {self.fold!r}. Expected 1 to {NUM_FOLDS}.')
        check_choice(self.schema.title, FOLD_SPLITS, split=self.split)

    def hint(self, data_root: str) -> str:
        """Say how the lists of the data set are made."""
        data_set, _, kind = self.schema.name.partition('_')
        classes = f' --classes {kind}' if kind else ''
        return (f'Have {data_set.upper()} from its owners, then: python tools/prepare_data.py {data_set} DOWNLOAD'
                f'{classes} --out {data_root}; python tools/check_data.py CONFIG. Where it lies elsewhere, correct '
                'data_root.')

    def differing_counts(self, labels: Iterable[str]) -> dict[str, tuple[int, int]]:
        """Class -> (clips found, clips in the official list), where they differ; {} also for the audiovisual list."""
        found = count_by_class(labels, self.schema)
        official = official_counts(self.schema, self.fold, self.split)
        excluded = excluded_counts(self.schema, self.fold, self.split)
        audiovisual = tuple(count - less for count, less in zip(official, excluded, strict=True))
        if found in (official, audiovisual):
            return {}
        return {name: (here, there) for name, here, there in zip(self.schema.classes, found, official, strict=True)
                if here != there}

    def log_counts(self, path: str, labels: Sequence[str]) -> None:
        """Log how a list with these class names compares with the official counts; as a warning where they differ."""
        differing = self.differing_counts(labels)
        counts = ', '.join(f'{name} {here} ({there})' for name, (here, there) in differing.items())
        comparison = f'. Published are other numbers (in brackets): {counts}' if differing else (
            ', in each class as many as published')
        print_log(f'{path}: {len(labels)} clips of {self.schema.title}, fold {self.fold}, {self.split}{comparison}',
                  logger='current', level=logging.WARNING if differing else logging.INFO)


def official_counts(schema: LabelSchema, fold: int, split: str) -> tuple[int, ...]:
    """Return the clips of each class in the official list of an `OfficialSplit`, label 0 first.

    Every class is spread evenly over the five test splits, the first ones with the remainder.
    """
    OfficialSplit(schema, fold, split)
    totals = _TOTALS[schema.name]
    test = tuple((total + NUM_FOLDS - fold) // NUM_FOLDS for total in totals)
    return test if split == 'test' else tuple(total - count for total, count in zip(totals, test, strict=True))


def excluded_counts(schema: LabelSchema, fold: int, split: str) -> tuple[int, ...]:
    """Return the clips of each class in the official list of a fold that its audiovisual list lacks."""
    OfficialSplit(schema, fold, split)
    folds = _WITHOUT_AUDIO.get(schema.name, ({},) * NUM_FOLDS)
    chosen = [counts for number, counts in enumerate(folds, 1) if (number == fold) == (split == 'test')]
    return tuple(sum(counts.get(name, 0) for counts in chosen) for name in schema.classes)


def count_by_class(labels: Iterable[str], schema: LabelSchema) -> tuple[int, ...]:
    """Count class names, label 0 first."""
    counts = Counter(labels)
    return tuple(counts[name] for name in schema.classes)


def fold_list(fold: int, split: str, kind: str = '') -> str:
    """Path of a fold's list in a data set: ``lists/fold1_train.csv``, ``lists/single/fold1_train.csv``."""
    return '/'.join(filter(None, ('lists', kind, f'fold{fold}_{split}.csv')))
