"""Tables of metrics."""
from collections.abc import Mapping, Sequence

import numpy as np

from claip_emo_mm.evaluation.folds import FoldMetrics
from claip_emo_mm.evaluation.metrics import EmotionMetrics

Rows = Sequence[Sequence[str]]

_MAX_CLASSES = 15  # of a confusion matrix; the lines of a larger one do not fit a screen
_TITLES = dict(WAR='WAR', UAR='UAR', F1_macro='F1 (macro)', F1_weighted='F1 (weighted)', top2='top 2',
               ECE='calibration error')


def metrics_table(metrics: EmotionMetrics, classes: Sequence[str]) -> str:
    """Format recall and precision of each of K classes, the confusion matrix (rows: true classes), and the rest.

    Beyond 15 classes the most frequent mistakes of each class replace the matrix.
    """
    recalls = metrics.recalls
    width = max(len(name) for name in (*classes, 'class'))
    matrix = (text_table([classes, *recalls.confusion.astype(str)], left=0).split('\n')
              if len(classes) <= _MAX_CLASSES else _mistakes(recalls.confusion, classes))
    lines = [f'{"class".ljust(width)}  recall %  precision %  clips | taken for: {matrix[0]}']
    for name, recall, precision, row, taken in zip(classes, recalls.recall, recalls.precision, recalls.confusion,
                                                   matrix[1:], strict=True):
        lines.append(f'{name.ljust(width)}  {_percent(recall, "no clips"):>8}  {_percent(precision, "not taken"):>11}  '
                     f'{row.sum():5d} |            {taken}'.rstrip())
    for name, value in metrics.scalars().items():
        line = f'{_TITLES[name]} {value:.2f} %'
        if metrics.intervals and name in metrics.intervals:
            low, high = metrics.intervals[name]
            line += f'  ({low:.2f} to {high:.2f})'
        lines.append(line)
    lines.append(f'over {recalls.confusion.sum()} clips' + (
        f'; in brackets the 95 % interval of {metrics.n_bootstrap} bootstrap samples of the clips of each class'
        if metrics.intervals else ''))
    if metrics.ece is None:
        lines.append('The scores are no probabilities: there is no calibration error.')
    if recalls.absent:
        names = ', '.join(classes[label] for label in recalls.absent)
        lines.append(f'No clips of {names}: UAR and F1 are means over the other {len(classes) - len(recalls.absent)} '
                     'classes.')
    return '\n'.join(lines)


def _percent(value: float, otherwise: str = '-') -> str:
    return otherwise if np.isnan(value) else f'{value:.2f}'


def _mistakes(confusion: np.ndarray, classes: Sequence[str]) -> list[str]:
    """A title, and the three most frequent wrong classes of each class."""
    wrong = confusion * (1 - np.eye(len(confusion), dtype=confusion.dtype))
    lines = ['(most often)']
    for row in wrong:
        often = [label for label in np.argsort(-row, kind='stable')[:3] if row[label]]
        lines.append(', '.join(f'{classes[label]} {row[label]}' for label in often))
    return lines


def folds_rows(metrics: Mapping[str, FoldMetrics], epochs: Mapping[str, Mapping[int, int]]) -> Rows:
    """Rows of a table, after a header: a metric's protocols below each other, '-' where there is no number.

    `epochs` says for each protocol and fold of which epoch the metrics are.
    """
    one = next(iter(metrics.values()))
    rows = [['metric', 'protocol', *(f'fold {fold}' for fold in one.folds), 'mean', 'std', 'pooled', 'pooled, 95 %']]
    rows += [['epoch', protocol, *(str(epochs[protocol][fold]) for fold in one.folds), *'----'] for protocol in metrics]
    clips = [found.recalls.confusion.sum() for found in one.folds.values()]
    protocol = 'all' if len(metrics) > 1 else next(iter(metrics))
    rows.append(['clips', protocol, *map(str, clips), '-', '-', str(sum(clips)), '-'])
    for name in one.pooled_values:
        for protocol, found in metrics.items():
            ends = (found.pooled.intervals or {}).get(name)
            rows.append([name, protocol, *map(_percent, found.values[name]), _percent(found.mean(name)),
                         _percent(found.deviation(name)), _percent(found.pooled_values[name]),
                         ' to '.join(map(_percent, ends)) if ends else '-'])
    return rows


def text_table(rows: Rows, left: int = 2) -> str:
    """Format rows in columns, the first `left` of them left-aligned, numbers right-aligned."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return '\n'.join('  '.join(cell.ljust(width) if place < left else cell.rjust(width)
                               for place, (cell, width) in enumerate(zip(row, widths, strict=True))).rstrip()
                     for row in rows)


def markdown_table(rows: Rows) -> str:
    """Format rows as a Markdown table."""
    rule = ['---', '---', *['---:'] * (len(rows[0]) - 2)]
    return '\n'.join(f'| {" | ".join(row)} |' for row in (rows[0], rule, *rows[1:]))


def absent_classes(metrics: FoldMetrics) -> Sequence[str]:
    """Notes on folds that have no clips of a class, which is missing from the means of UAR and F1."""
    return [f'Fold {fold} has no clips of {", ".join(metrics.classes[label] for label in found.recalls.absent)}: its '
            'UAR and F1 are means over the other classes.'
            for fold, found in metrics.folds.items() if found.recalls.absent]
