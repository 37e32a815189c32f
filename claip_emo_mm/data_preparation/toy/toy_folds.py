"""Folds of the toy set: lists that deal its people, with all of their clips, to the parts."""
import csv
from pathlib import Path

from claip_emo_mm.atomic_text import write_csv

from ...datasets.folds import PARTS, fold_list
from ...errors import InputError
from .toy_settings import FOLD_LISTS, SPLITS

_HEADER = ('video', 'label', 'identity')


def write_toy_folds(out: str | Path, folds: int) -> list[Path]:
    """Write `lists/fold1_train.csv`, `lists/fold1_test.csv` and so on beside the lists of a toy set.

    The people of train, val and test are dealt in turn: each is in the test part of one fold, and in the training part
    of all others. Lists of more folds that were dealt before are removed.

    Args:
        out: folder of `make_toy_set`.
        folds: 2 or more.
    Returns: the lists.
    Raises:
        InputError: there are fewer people than folds.
    """
    out = Path(out)
    rows = [row for part in SPLITS for row in _read(out / f'{part}.csv')]
    people = {identity: number for number, identity in enumerate(dict.fromkeys(row[2] for row in rows))}
    if not 2 <= folds <= len(people):
        raise InputError(f'--folds {folds}: expected 2 to {len(people)}, which is the number of people in {out}. '
                         '--clips makes more: each person shows 7 emotions.')
    (out / 'lists').mkdir(exist_ok=True)
    paths = []
    for fold in range(1, folds + 1):
        tested = {identity for identity, number in people.items() if number % folds == fold - 1}
        for part in PARTS:
            paths.append(out / fold_list(fold, part))
            write_csv(paths[-1], _HEADER, [row for row in rows if (row[2] in tested) == (part == 'test')])
    for path in {*out.glob(FOLD_LISTS)} - {*paths}:
        path.unlink()
    return paths


def _read(path: Path) -> list[tuple[str, ...]]:
    with path.open(encoding='utf-8', newline='') as file:
        return [tuple(row[name] for name in _HEADER) for row in csv.DictReader(file)]
