"""Official splits of DFEW and MAFW: folds, list paths, clips per class."""
import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mmengine.logging import print_log

from claip_emo_mm.datasets.labels import DFEW, MAFW, MAFW_COMPOUND, LabelSchema
from claip_emo_mm.errors import InputError

NUM_FOLDS = 5
# Clips of each class, label 0 first, over the five test splits, which together are the whole set.
_TOTALS = {
    DFEW.name: (2445, 1894, 2669, 2173, 1469, 145, 902),
    MAFW.name: (1390, 639, 625, 1242, 1138, 1470, 1072, 236, 916, 262, 182),
    MAFW_COMPOUND.name: (
        425, 310, 180, 1075, 1138, 610, 497, 111, 408, 143, 41, 883, 156, 392, 52, 208, 185, 33, 218, 96, 98, 232, 206,
        22, 45, 542, 90, 32, 54, 13, 39, 26, 59, 76, 12, 131, 18, 37, 17, 19, 36, 19, 12),
}
# Clips of the official lists of MAFW that its audiovisual lists leave out for want of audio, by the fold whose test
# split they are in.
_WITHOUT_SOUND = {MAFW.name: (
    {'anger': 1, 'surprise': 2}, {'anger': 1, 'sadness': 3}, {'happiness': 6}, {'neutral': 2, 'sadness': 1}, {})}


def official_counts(schema: LabelSchema, fold: int, split: str) -> tuple[int, ...]:
    """Return the clips of each class in the official list of a fold, label 0 first.

    Every class is dealt out evenly to the five test splits, the first ones taking what is left over.

    Args:
        schema: DFEW, MAFW or MAFW_COMPOUND.
        fold: 1 to 5.
        split: ``'train'`` or ``'test'``.
    """
    totals = _TOTALS[schema.name]
    _check_fold(fold, split)
    tested = tuple((total + NUM_FOLDS - fold) // NUM_FOLDS for total in totals)
    if split == 'test':
        return tested
    return tuple(total - count for total, count in zip(totals, tested, strict=True))


def excluded_counts(schema: LabelSchema, fold: int, split: str) -> tuple[int, ...]:
    """Return the clips of each class that the audiovisual list leaves out of the official one."""
    _check_fold(fold, split)
    folds = _WITHOUT_SOUND.get(schema.name, ({},) * NUM_FOLDS)
    chosen = [folds[fold - 1]] if split == 'test' else [counts for number, counts in enumerate(folds, 1)
                                                       if number != fold]
    return tuple(sum(counts.get(name, 0) for counts in chosen) for name in schema.classes)


def count_by_class(labels: Iterable[str], schema: LabelSchema) -> tuple[int, ...]:
    """Count class names, label 0 first."""
    counts = Counter(labels)
    return tuple(counts[name] for name in schema.classes)


def differing_counts(labels: Iterable[str], schema: LabelSchema, fold: int, split: str) -> dict[str, tuple[int, int]]:
    """Compare a list of a fold with the official one, and with the audiovisual one where it is another.

    Returns: the classes whose numbers differ from both: name -> (found, published officially); empty where the list
        has the clips of one of the two.
    """
    found = count_by_class(labels, schema)
    official = official_counts(schema, fold, split)
    with_audio = tuple(count - less for count, less in zip(official, excluded_counts(schema, fold, split), strict=True))
    if found in (official, with_audio):
        return {}
    return {name: (here, there) for name, here, there in zip(schema.classes, found, official, strict=True)
            if here != there}


def _check_fold(fold: int, split: str) -> None:
    if fold not in range(1, NUM_FOLDS + 1) or split not in ('train', 'test'):
        raise InputError(f'fold {fold}, split {split!r}: there are the folds 1 to {NUM_FOLDS}, each with train and '
                         'test.')


FOLD_SPLITS = ('train', 'test')


def fold_list(fold: int, split: str, kind: str = '') -> str:
    """Return where a data set's folder has the list of a fold, such as ``lists/fold1_train.csv``.

    Args:
        fold: 1 to 5.
        split: ``'train'`` or ``'test'``.
        kind: ``'single'`` or ``'compound'`` where the data set has both.
    """
    return '/'.join(filter(None, ('lists', kind, f'fold{fold}_{split}.csv')))


@dataclass(frozen=True)
class OfficialSplit:
    """A split of a fold that was published.

    Args:
        schema: classes.
        fold: 1 to 5.
        split: ``'train'`` or ``'test'``.
    Raises:
        InputError: there is no such fold or split.
    """

    schema: LabelSchema
    fold: int
    split: str

    def __post_init__(self) -> None:
        if not isinstance(self.fold, int) or self.fold not in range(1, NUM_FOLDS + 1):
            raise InputError(f'{self.schema.title}: fold is {self.fold!r}. Expected 1 to {NUM_FOLDS}.')
        if self.split not in FOLD_SPLITS:
            raise InputError(f'{self.schema.title}: split is {self.split!r}. Expected '
                             f'{" or ".join(map(repr, FOLD_SPLITS))}.')

    def remedy(self, data_root: str) -> str:
        """Say how the lists of the data set are made."""
        data_set, _, kind = self.schema.name.partition('_')
        classes = f' --classes {kind}' if kind else ''
        return (f'Have {data_set.upper()} from its owners, then: python tools/prepare_data.py {data_set} DOWNLOAD'
                f'{classes} --out {data_root}; python tools/check_data.py CONFIG. Where it lies elsewhere, correct '
                'data_root.')

    def differing_counts(self, labels: Sequence[str]) -> dict[str, tuple[int, int]]:
        """See ``published_lists.differing_counts``."""
        return differing_counts(labels, self.schema, self.fold, self.split)

    def compare_counts(self, path: str, labels: Sequence[str]) -> tuple[str, bool]:
        """Compare a list with the published number of clips of each class.

        Args:
            path: the list.
            labels: class names of its clips.
        Returns: a line that says how they compare, and whether they are the same.
        """
        differing = self.differing_counts(labels)
        found = f'{path}: {len(labels)} clips of {self.schema.title}, fold {self.fold}, {self.split}'
        if not differing:
            return f'{found}, in each class as many as published', True
        counts = ', '.join(f'{name} {here} ({there})' for name, (here, there) in differing.items())
        return f'{found}. Published are other numbers (in brackets): {counts}', False

    def log_counts(self, path: str, labels: Sequence[str]) -> None:
        """Log ``compare_counts``."""
        text, as_published = self.compare_counts(path, labels)
        print_log(text, logger='current', level=logging.INFO if as_published else logging.WARNING)
