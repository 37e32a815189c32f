"""The folds of DFEW and MAFW: where their lists lie, and whether they hold what was published."""
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from mmengine.logging import print_log

from claip_emo_mm.datasets.label_schemas import LabelSchema
from claip_emo_mm.datasets.published_lists import NUM_FOLDS, differing_counts
from claip_emo_mm.errors import InputError

PARTS = ('train', 'test')


def fold_list(fold: int, part: str, kind: str = '') -> str:
    """Return where a data set's folder has the list of a fold, such as ``lists/fold1_train.csv``.

    Args:
        fold: 1 to 5.
        part: ``'train'`` or ``'test'``.
        kind: ``'single'`` or ``'compound'`` where the data set has both.
    """
    return '/'.join(filter(None, ('lists', kind, f'fold{fold}_{part}.csv')))


@dataclass(frozen=True)
class PublishedPart:
    """A part of a fold that was published.

    Args:
        schema: classes.
        fold: 1 to 5.
        part: ``'train'`` or ``'test'``.
    Raises:
        InputError: there is no such fold or part.
    """

    schema: LabelSchema
    fold: int
    part: str

    def __post_init__(self) -> None:
        if not isinstance(self.fold, int) or self.fold not in range(1, NUM_FOLDS + 1):
            raise InputError(f'{self.schema.title}: fold is {self.fold!r}. Expected 1 to {NUM_FOLDS}.')
        if self.part not in PARTS:
            raise InputError(f'{self.schema.title}: part is {self.part!r}. Expected '
                             f'{" or ".join(map(repr, PARTS))}.')

    def remedy(self, data_root: str) -> str:
        """Say how the lists of the data set are made."""
        data_set, _, kind = self.schema.name.partition('_')
        classes = f' --classes {kind}' if kind else ''
        return (f'Have {data_set.upper()} from its owners, then: python tools/prepare_data.py {data_set} DOWNLOAD'
                f'{classes} --out {data_root}; python tools/check_data.py CONFIG. Where it lies elsewhere, correct '
                'data_root.')

    def differing_counts(self, labels: Sequence[str]) -> dict[str, tuple[int, int]]:
        """See ``published_lists.differing_counts``."""
        return differing_counts(labels, self.schema, self.fold, self.part)

    def compare_counts(self, path: str, labels: Sequence[str]) -> tuple[str, bool]:
        """Compare a list with the published number of clips of each class.

        Args:
            path: the list.
            labels: class names of its clips.
        Returns: a line that says how they compare, and whether they are the same.
        """
        differing = self.differing_counts(labels)
        found = f'{path}: {len(labels)} clips of {self.schema.title}, fold {self.fold}, {self.part}'
        if not differing:
            return f'{found}, in each class as many as published', True
        counts = ', '.join(f'{name} {here} ({there})' for name, (here, there) in differing.items())
        return f'{found}. Published are other numbers (in brackets): {counts}', False

    def log_counts(self, path: str, labels: Sequence[str]) -> None:
        """Log ``compare_counts``."""
        text, as_published = self.compare_counts(path, labels)
        print_log(text, logger='current', level=logging.INFO if as_published else logging.WARNING)
