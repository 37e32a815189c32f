"""Metrics of several folds: each, their mean and standard deviation, and pooled over all clips."""
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation.metrics import EmotionMetrics, emotion_metrics
from claip_emo_mm.evaluation.predictions import ClipScores


@dataclass(frozen=True)
class FoldMetrics:
    """Metrics of the folds by one protocol, in percent."""
    classes: tuple[str, ...]
    folds: Mapping[int, EmotionMetrics]  # by their numbers
    pooled: EmotionMetrics  # of all folds' clips as one set, with bootstrap intervals
    values: Mapping[str, np.ndarray]  # WAR ..., recall of happy ... -> (folds,); nan for a class without clips
    pooled_values: Mapping[str, float]  # by the same names

    def mean(self, name: str) -> float:
        """Mean over the folds that have the metric."""
        values = self._present(name)
        return float(values.mean()) if len(values) else float('nan')

    def deviation(self, name: str) -> float:
        """Sample standard deviation over the folds that have the metric; nan for one fold."""
        values = self._present(name)
        return float(values.std(ddof=1)) if len(values) > 1 else float('nan')

    def _present(self, name: str) -> np.ndarray:
        return self.values[name][~np.isnan(self.values[name])]


def fold_metrics(clips: Mapping[int, ClipScores]) -> FoldMetrics:
    """Compute the metrics from the clips of each fold, by its number; no clip may be in two of them."""
    first = next(iter(clips.values()))
    for fold, scores in clips.items():
        if scores.classes != first.classes:
            raise InputError(f'Fold {fold} has the classes {", ".join(scores.classes)}, another one '
                             f'{", ".join(first.classes)}: they cannot be put together.')
    names = Counter(name for scores in clips.values() for name in set(scores.names) if not name.isdigit())
    repeated = [name for name, number in names.items() if number > 1]
    if repeated:
        raise InputError(f'{min(repeated)}: the clip is in the test split of two folds. Correct the lists: every '
                         'clip is tested once.')
    folds = {fold: emotion_metrics(scores.labels, scores.scores) for fold, scores in clips.items()}
    pooled = emotion_metrics(np.concatenate([scores.labels for scores in clips.values()]),
                             np.concatenate([scores.scores for scores in clips.values()]), n_bootstrap=2000)
    named = [_by_name(metrics, first.classes) for metrics in folds.values()]
    pooled_values = _by_name(pooled, first.classes)
    values = {name: np.array([metrics.get(name, np.nan) for metrics in named]) for name in pooled_values}
    return FoldMetrics(first.classes, folds, pooled, values, pooled_values)


def _by_name(metrics: EmotionMetrics, classes: Sequence[str]) -> dict[str, float]:
    recalls = {f'recall of {name}': float(value) for name, value in zip(classes, metrics.recalls.recall, strict=True)}
    return {**metrics.scalars(), **recalls}
