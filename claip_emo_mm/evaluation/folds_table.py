"""The figures of several folds as rows, and rows as text, markdown and csv."""
import csv
import io
from collections.abc import Mapping, Sequence

import numpy as np

from claip_emo_mm.evaluation.fold_figures import FoldFigures

Rows = list[list[str]]


def folds_rows(figures: Mapping[str, FoldFigures], epochs: Mapping[str, Mapping[int, int]]) -> Rows:
    """Lay out one row for each figure and protocol: the protocols of a figure stand below each other.

    Args:
        figures: of each protocol.
        epochs: of each protocol and fold: from which epoch they are.
    Returns: a header, then the rows; percent with two digits, '-' where there is no number.
    """
    one = next(iter(figures.values()))
    rows = [['figure', 'protocol', *(f'fold {fold}' for fold in one.folds), 'mean', 'std', 'pooled', 'pooled, 95 %']]
    rows += [['epoch', protocol, *(str(epochs[protocol][fold]) for fold in one.folds), *'----'] for protocol in figures]
    clips = [figures.recalls.confusion.sum() for figures in one.folds.values()]
    rows.append(['clips', 'all' if len(figures) > 1 else next(iter(figures)), *map(str, clips), '-', '-',
                 str(sum(clips)), '-'])
    for name in one.pooled_values:
        for protocol, found in figures.items():
            ends = (found.pooled.intervals or {}).get(name)
            rows.append([name, protocol, *map(_percent, found.values.get(name, [np.nan] * len(found.folds))),
                         _percent(found.mean(name)), _percent(found.deviation(name)),
                         _percent(found.pooled_values[name]),
                         ' to '.join(map(_percent, ends)) if ends else '-'])
    return rows


def text_table(rows: Rows) -> str:
    """Rows as text in columns: the first two to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return '\n'.join('  '.join(cell.ljust(width) if place < 2 else cell.rjust(width)
                               for place, (cell, width) in enumerate(zip(row, widths, strict=True))).rstrip()
                     for row in rows)


def markdown_table(rows: Rows) -> str:
    """Rows as a table of markdown."""
    rule = ['---', '---', *['---:'] * (len(rows[0]) - 2)]
    return '\n'.join(f'| {" | ".join(row)} |' for row in (rows[0], rule, *rows[1:]))


def csv_table(rows: Rows) -> str:
    """Rows as csv."""
    text = io.StringIO()
    csv.writer(text, lineterminator='\n').writerows(rows)
    return text.getvalue()


def _percent(value: float) -> str:
    return '-' if np.isnan(value) else f'{value:.2f}'


def absent_classes(figures: FoldFigures) -> Sequence[str]:
    """Say which classes a fold has no clips of: the means of its UAR and F1, and of their recall, are without them."""
    return [f'Fold {fold} has no clips of {", ".join(figures.classes[label] for label in found.recalls.absent)}: its '
            'UAR and F1 are means over the other classes.'
            for fold, found in figures.folds.items() if found.recalls.absent]
