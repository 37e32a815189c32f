"""The figures of several folds together: each, their mean and standard deviation, and pooled over all clips."""
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation.clip_scores import ClipScores
from claip_emo_mm.evaluation.emotion_figures import EmotionFigures, emotion_figures

POOLED_DRAWS = 2000


@dataclass(frozen=True)
class FoldFigures:
    """The figures of the folds by one protocol, in percent.

    Args:
        classes: K names.
        folds: figures of each fold by its number.
        pooled: figures of all folds' clips as one set, with bootstrap intervals.
        values: name of a figure (`WAR` ..., `recall of happy` ...) -> (folds,) float64; nan for a class without clips.
        pooled_values: the same names -> the pooled figure.
    """

    classes: tuple[str, ...]
    folds: Mapping[int, EmotionFigures]
    pooled: EmotionFigures
    values: Mapping[str, np.ndarray]
    pooled_values: Mapping[str, float]

    def mean(self, name: str) -> float:
        """Mean over the folds that have the figure."""
        values = self._there(name)
        return float(values.mean()) if len(values) else float('nan')

    def deviation(self, name: str) -> float:
        """Standard deviation over the folds that have the figure (divided by their number less 1); nan for one fold."""
        values = self._there(name)
        return float(values.std(ddof=1)) if len(values) > 1 else float('nan')

    def _there(self, name: str) -> np.ndarray:
        return self.values[name][~np.isnan(self.values[name])]


def fold_figures(clips: Mapping[int, ClipScores]) -> FoldFigures:
    """Compute the figures from the scores of every clip.

    Args:
        clips: of each fold by its number.
    Raises:
        InputError: the folds have different classes, or a clip is in two of them.
    """
    first = next(iter(clips.values()))
    for fold, scores in clips.items():
        if scores.classes != first.classes:
            raise InputError(f'Fold {fold} has the classes {", ".join(scores.classes)}, another one '
                             f'{", ".join(first.classes)}: they cannot be put together.')
    names = Counter(name for scores in clips.values() for name in set(scores.names) if not name.isdigit())
    twice = [name for name, number in names.items() if number > 1]
    if twice:
        raise InputError(f'{min(twice)}: the clip is in the test part of two folds. Correct the lists: every clip is '
                         'tested once.')
    folds = {fold: emotion_figures(scores.labels, scores.scores) for fold, scores in clips.items()}
    pooled = emotion_figures(np.concatenate([scores.labels for scores in clips.values()]),
                             np.concatenate([scores.scores for scores in clips.values()]), POOLED_DRAWS)
    named = [_by_name(figures, first.classes) for figures in folds.values()]
    pooled_values = _by_name(pooled, first.classes)
    values = {name: np.array([figures.get(name, np.nan) for figures in named]) for name in pooled_values}
    return FoldFigures(first.classes, folds, pooled, values, pooled_values)


def _by_name(figures: EmotionFigures, classes: Sequence[str]) -> dict[str, float]:
    recalls = {f'recall of {name}': float(value)
               for name, value in zip(classes, figures.recalls.recall, strict=True)}
    return {**figures.scalars(), **recalls}
