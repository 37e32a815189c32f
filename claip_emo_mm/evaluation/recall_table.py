"""The figures as text, for logs and terminals."""
from collections.abc import Sequence

from claip_emo_mm.evaluation.recall import RecallFigures


def recall_table(figures: RecallFigures, classes: Sequence[str]) -> str:
    """Lay out each class's recall and the confusion matrix: rows are true classes, columns predicted ones, in clips.

    Args:
        figures: of K classes.
        classes: K names.
    """
    wide = max(len(name) for name in (*classes, 'class'))
    cell = [max(len(name), len(str(column.max()))) for name, column in zip(classes, figures.confusion.T, strict=True)]
    heads = '  '.join(name.rjust(width) for name, width in zip(classes, cell, strict=True))
    lines = [f'{"class".ljust(wide)}  recall %  clips | taken for: {heads}']
    for name, recall, row in zip(classes, figures.recall, figures.confusion, strict=True):
        share = f'{recall:8.2f}' if row.sum() else 'no clips'
        counts = '  '.join(str(count).rjust(width) for count, width in zip(row, cell, strict=True))
        lines.append(f'{name.ljust(wide)}  {share}  {row.sum():5d} |            {counts}')
    lines.append(f'WAR {figures.war:.2f} %, UAR {figures.uar:.2f} %, F1 {figures.f1_macro:.2f} % (macro) and '
                 f'{figures.f1_weighted:.2f} % (weighted) over {figures.confusion.sum()} clips')
    if figures.absent:
        names = ', '.join(classes[label] for label in figures.absent)
        lines.append(f'No clips of {names}: UAR and F1 are means over the other {len(classes) - len(figures.absent)} '
                     'classes.')
    return '\n'.join(lines)
