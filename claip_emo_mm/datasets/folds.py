"""The folds of DFEW and MAFW: where their lists lie, and whether they hold what was published."""
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.logging import print_log

from claip_emo_mm.datasets.label_schemas import get_schema
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


def check_fold(owner: str, fold: int, part: str) -> None:
    """Check a fold and its part.

    Raises:
        InputError: there is no such fold or part.
    """
    if fold not in range(1, NUM_FOLDS + 1):
        raise InputError(f'{owner}: fold is {fold!r}. Expected 1 to {NUM_FOLDS}.')
    if part not in PARTS:
        raise InputError(f'{owner}: part is {part!r}. Expected {" or ".join(map(repr, PARTS))}.')


def log_counts(path: str, labels: Sequence[int], metainfo: Mapping[str, Any]) -> None:
    """Log `compare_counts`."""
    text, as_published = compare_counts(path, labels, metainfo)
    print_log(text, logger='current', level=logging.INFO if as_published else logging.WARNING)


def compare_counts(path: str, labels: Sequence[int], metainfo: Mapping[str, Any]) -> tuple[str, bool]:
    """Compare a list with the published number of clips of each class.

    Args:
        path: the list.
        labels: of its clips.
        metainfo: of the data set: ``dataset`` (name of its schema), ``fold`` and ``part``.
    Returns: a line that says how they compare, and whether they are the same.
    """
    schema, fold, part = get_schema(metainfo['dataset']), metainfo['fold'], metainfo['part']
    differing = differing_counts([schema.classes[label] for label in labels], schema, fold, part)
    found = f'{path}: {len(labels)} clips of {schema.title}, fold {fold}, {part}'
    if not differing:
        return f'{found}, in each class as many as published', True
    counts = ', '.join(f'{name} {here} ({there})' for name, (here, there) in differing.items())
    return f'{found}. Published are other numbers (in brackets): {counts}', False
