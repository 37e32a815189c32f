"""Votes of people on what a clip shows: the raters of CREMA-D, who heard the voice, saw the face, or both."""
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from claip_emo_mm.datasets.annotations import read_header, read_list_text, read_table
from claip_emo_mm.datasets.labels import CREMAD
from claip_emo_mm.errors import InputError
from claip_emo_mm.utils.io import write_csv

MODALITIES = ('voice', 'face', 'both')  # what the raters were given, in the order of their numbers, from 1
OWNERS_FILE, VOTES_FILE = 'tabulatedVotes.csv', 'votes.csv'  # of the owners, and of a prepared data set
_COLUMNS = dict(a='anger', d='disgust', f='fear', h='happy', n='neutral', s='sad')

Votes = Mapping[str, np.ndarray]  # clip id -> (3, K) float64 votes for each class, by the order of MODALITIES


def read_owners_votes(path: Path) -> dict[str, np.ndarray]:
    """Read `tabulatedVotes.csv` of CREMA-D.

    The first digit of its first column says what the raters were given, the columns A D F H N S count their votes.

    Returns: clip id -> (3, 6) votes in the order of `MODALITIES` and of CREMA-D's classes.
    Raises:
        InputError: the file is not one of these, or votes of a clip are missing or there twice.
    """
    header, rows = _read(path, ('', 'filename', *_COLUMNS))
    order = [header.index(code) for name in CREMAD.classes for code in _COLUMNS if _COLUMNS[code] == name]
    votes: dict[str, np.ndarray] = {}
    for line, cells in rows:
        number, clip_id = cells[header.index('')], cells[header.index('filename')]
        if number[:1] not in ('1', '2', '3'):
            raise InputError(f'{path}:{line}: the row is {number!r}. Expected a number that begins with 1 (voice), 2 '
                             '(face) or 3 (both).')
        _add(votes, clip_id, int(number[0]) - 1, [cells[place] for place in order], f'{path}:{line}')
    return _complete(votes, path)


def write_votes(path: Path, votes: Votes, classes: Sequence[str]) -> None:
    """Write the votes with a row for each clip and modality."""
    write_csv(path, ('clip', 'raters', *classes), (
        (clip_id, modality, *(f'{count:g}' for count in counts))
        for clip_id, table in sorted(votes.items()) for modality, counts in zip(MODALITIES, table, strict=True)))


def read_votes(path: Path, classes: Sequence[str]) -> dict[str, np.ndarray]:
    """Read what `write_votes` wrote, in the order of some classes: clip id -> (3, K).

    Raises:
        InputError: the file is not there, or not one of these.
    """
    if not path.is_file():
        raise InputError(f'{path}: the votes of people are not there. Put {OWNERS_FILE} of CREMA-D into its download, '
                         'and give the command of tools/prepare_data.py again.')
    header, rows = _read(path, ('clip', 'raters', *classes))
    votes: dict[str, np.ndarray] = {}
    for line, cells in rows:
        row = dict(zip(header, cells, strict=True))
        if row['raters'] not in MODALITIES:
            raise InputError(f'{path}:{line}: raters of {row["raters"]!r}. Expected one of {", ".join(MODALITIES)}.')
        _add(votes, row['clip'], MODALITIES.index(row['raters']), [row[name] for name in classes], f'{path}:{line}')
    return _complete(votes, path)


def _read(path: Path, columns: Sequence[str]) -> tuple[tuple[str, ...], list[tuple[int, tuple[str, ...]]]]:
    text = read_list_text(path)
    header, _, _ = read_header(text)
    missing = [name or '(without a name)' for name in columns if name not in header]
    if missing:
        raise InputError(f'{path}: columns {", ".join(header)} found, {", ".join(missing)} missing. Expected votes as '
                         f'in {OWNERS_FILE} of CREMA-D.')
    return header, read_table(text, path)


def _add(votes: dict[str, np.ndarray], clip_id: str, place: int, cells: Sequence[str], where: str) -> None:
    try:
        counts = np.array([float(cell) for cell in cells])
    except ValueError as error:
        raise InputError(f'{where}: votes {", ".join(cells)}. Expected numbers.') from error
    if not np.isfinite(counts).all() or counts.min() < 0 or not counts.sum():
        raise InputError(f'{where}: votes {", ".join(cells)}. Expected numbers from 0, not all of them 0.')
    table = votes.setdefault(clip_id, np.zeros((len(MODALITIES), len(cells))))
    if table[place].any():
        raise InputError(f'{where}: a second row of {clip_id}, {MODALITIES[place]}. Take one of the two out.')
    table[place] = counts


def _complete(votes: dict[str, np.ndarray], path: Path) -> dict[str, np.ndarray]:
    for clip_id, table in votes.items():
        if not table.any(axis=1).all():
            missing = MODALITIES[int(np.argmin(table.any(axis=1)))]
            raise InputError(f'{path}: no votes of {missing} on {clip_id}. Have the whole file.')
    return votes
