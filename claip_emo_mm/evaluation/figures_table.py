"""The figures as text, for logs and terminals."""
from collections.abc import Sequence

import numpy as np

from claip_emo_mm.evaluation.emotion_figures import EmotionFigures

_WIDEST_MATRIX = 15  # classes; the lines of a larger one do not fit a screen
_NAMED_MISTAKES = 3
_TITLES = dict(WAR='WAR', UAR='UAR', F1_macro='F1 (macro)', F1_weighted='F1 (weighted)', top2='top 2',
               ECE='calibration error')


def figures_table(figures: EmotionFigures, classes: Sequence[str]) -> str:
    """Lay out the recall and precision of each class, the confusion matrix in clips (rows: true classes), and the rest.

    Beyond 15 classes the commonest mistakes of each class stand in place of the matrix.

    Args:
        figures: of K classes.
        classes: K names.
    """
    recalls = figures.recalls
    wide = max(len(name) for name in (*classes, 'class'))
    matrix = _matrix(recalls.confusion, classes) if len(classes) <= _WIDEST_MATRIX else _mistakes(
        recalls.confusion, classes)
    lines = [f'{"class".ljust(wide)}  recall %  precision %  clips | taken for: {matrix[0]}']
    for name, recall, precision, row, taken in zip(classes, recalls.recall, recalls.precision, recalls.confusion,
                                                   matrix[1:], strict=True):
        lines.append(f'{name.ljust(wide)}  {_share(recall, "no clips"):>8}  {_share(precision, "not taken"):>11}  '
                     f'{row.sum():5d} |            {taken}'.rstrip())
    for name, value in figures.scalars().items():
        line = f'{_TITLES[name]} {value:.2f} %'
        if figures.intervals and name in figures.intervals:
            low, high = figures.intervals[name]
            line += f'  ({low:.2f} to {high:.2f})'
        lines.append(line)
    lines.append(f'over {recalls.confusion.sum()} clips' + (
        f'; in brackets the 95 % interval of {figures.draws} bootstrap draws of the clips of each class'
        if figures.intervals else ''))
    if figures.ece is None:
        lines.append('The scores are no probabilities: there is no calibration error.')
    if recalls.absent:
        names = ', '.join(classes[label] for label in recalls.absent)
        lines.append(f'No clips of {names}: UAR and F1 are means over the other {len(classes) - len(recalls.absent)} '
                     'classes.')
    return '\n'.join(lines)


def _share(value: float, otherwise: str) -> str:
    return otherwise if np.isnan(value) else f'{value:.2f}'


def _matrix(confusion: np.ndarray, classes: Sequence[str]) -> list[str]:
    """A line of names and a line of counts for each class."""
    cell = [max(len(name), len(str(column.max()))) for name, column in zip(classes, confusion.T, strict=True)]
    return ['  '.join(str(value).rjust(width) for value, width in zip(row, cell, strict=True))
            for row in (classes, *confusion)]


def _mistakes(confusion: np.ndarray, classes: Sequence[str]) -> list[str]:
    """The wrong classes that the clips of each class are taken for most often."""
    wrong = confusion * (1 - np.eye(len(confusion), dtype=confusion.dtype))
    lines = ['(most often)']
    for row in wrong:
        often = [label for label in np.argsort(-row, kind='stable')[:_NAMED_MISTAKES] if row[label]]
        lines.append(', '.join(f'{classes[label]} {row[label]}' for label in often))
    return lines
