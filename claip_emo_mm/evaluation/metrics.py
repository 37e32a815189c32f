"""Classification metrics, calibration, bootstrap intervals."""
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from claip_emo_mm.errors import InputError, check_whole

if TYPE_CHECKING:
    from torch import nn

DIVERGED = ('The training diverged, or the checkpoint is broken: lower the learning rate (optim_wrapper.optimizer.lr) '
            'or start from an earlier checkpoint.')
INTERVAL_METRICS = ('WAR', 'UAR', 'F1_macro', 'F1_weighted')


def check_scores(scores: np.ndarray, where: str, remedy: str = DIVERGED, names: Sequence[str] | None = None,
                 what: str = 'scores') -> None:
    """Raise an `InputError` where scores or features (clips, ...) are not finite; None as `names` counts from 1."""
    broken = np.flatnonzero(~np.isfinite(scores).all(axis=tuple(range(1, scores.ndim))))
    if len(broken):
        first = f'clip {broken[0] + 1}' if names is None else names[broken[0]]
        raise InputError(f'{where}: the {what} of {len(broken)} of {len(scores)} clips are not finite, those of '
                         f'{first} for instance. {remedy}')


def why_not_finite(model: 'nn.Module') -> str:
    """Hint for scores that are not finite: whether the model's weights are to blame."""
    import torch
    broken = [name for name, value in model.state_dict().items()
              if value.is_floating_point() and not torch.isfinite(value).all()]
    if broken:
        return (f"{len(broken)} of the model's weights hold values that are infinite or NaN, {broken[0]} for instance: "
                'take an earlier checkpoint.')
    return "The model's weights are finite: look for extreme values in the frames or the audio."


def are_probabilities(scores: np.ndarray) -> bool:
    """Whether each clip's scores (clips, K) are not negative and sum to 1, within half precision."""
    return bool((scores >= 0).all() and (abs(scores.sum(axis=1) - 1) <= 1e-3).all())


def select_classes(labels: np.ndarray, scores: np.ndarray, classes: Sequence[str],
                   only: Sequence[str]) -> tuple[np.ndarray, np.ndarray, Sequence[str]]:
    """Keep some classes: labels (clips,) and scores (clips, K) of these, which sum to 1 again, and their names.

    Raises:
        InputError: fewer than two are chosen, one is unknown, or a clip is of another class.
    """
    chosen = [place for place, name in enumerate(classes) if name in only]
    if len(chosen) < 2 or len(chosen) < len(only):
        raise InputError(f'EmotionMetric: classes={list(only)}. Expected two or more of {", ".join(classes)}.')
    others = set(labels.tolist()) - set(chosen)
    if others:
        raise InputError(f'EmotionMetric: there are clips of {", ".join(classes[label] for label in sorted(others))}, '
                         f'but classes={list(only)}. Leave them out of the data set.')
    is_ratio = are_probabilities(scores)
    scores = scores[:, chosen]
    if is_ratio:
        totals = scores.sum(axis=1, keepdims=True)
        scores = np.where(totals > 0, scores / np.where(totals > 0, totals, 1), 1 / len(chosen))
    return np.searchsorted(chosen, labels), scores, [classes[place] for place in chosen]


def expected_calibration_error(labels: np.ndarray, scores: np.ndarray, bins: int = 15) -> float:
    """Expected calibration error in percent (Guo et al. 2017, arXiv 1706.04599, equation 3).

    Args:
        labels: (clips,) ints 0..K-1.
        scores: (clips, K) probabilities.
        bins: number of bins of equal width from 0 to 1; a score on an edge belongs to the lower one.
    Raises:
        InputError: scores are infinite or NaN.
    """
    check_scores(scores, 'calibration')
    confidence = scores.max(axis=1)
    correct = scores.argmax(axis=1) == labels
    bin_of = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gaps = np.bincount(bin_of, weights=correct - confidence.astype(np.float64), minlength=bins)
    return float(100 * np.abs(gaps).sum() / len(labels))


@dataclass(frozen=True)
class ClassificationMetrics:
    """Classification metrics in percent; the means skip classes without a clip (recall nan)."""
    war: float  # weighted average recall, the accuracy
    uar: float  # unweighted average recall, the mean of the classes' recalls
    f1_macro: float  # mean of the classes' F1
    f1_weighted: float  # mean of the classes' F1, weighted by their clips
    recall: np.ndarray  # (K,) float64; nan for a class without clips
    precision: np.ndarray  # (K,) float64; nan for a class that no clip was taken for
    confusion: np.ndarray  # (K, K) int64 clips by true class (row) and predicted class (column)

    @property
    def absent(self) -> list[int]:
        """Labels of the classes without a clip."""
        return np.flatnonzero(self.confusion.sum(axis=1) == 0).tolist()


def classification_metrics(labels: np.ndarray, predictions: np.ndarray, num_classes: int) -> ClassificationMetrics:
    """Compute WAR, UAR, F1, recall, precision and the confusion matrix.

    Args:
        labels, predictions: (clips,) ints 0..K-1.
        num_classes: K.
    Raises:
        InputError: there are no clips, or labels or predictions outside 0..K-1.
    """
    from sklearn.metrics import confusion_matrix, f1_score
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    if not len(labels):
        raise InputError('There are no clips to compute WAR and UAR of. Check the annotation list.')
    for name, values in (('label', labels), ('prediction', predictions)):
        if values.min() < 0 or values.max() >= num_classes:
            raise InputError(f'The {name}s reach from {values.min()} to {values.max()}, but there are {num_classes} '
                             f"classes: 0 to {num_classes - 1} expected. Set the head's num_classes and the data "
                             "set's classes alike.")
    confusion = confusion_matrix(labels, predictions, labels=np.arange(num_classes))
    clips, correct = confusion.sum(axis=1), confusion.diagonal()
    recall, precision = (np.divide(100.0 * correct, count, out=np.full(num_classes, np.nan), where=count > 0)
                         for count in (clips, confusion.sum(axis=0)))
    present = np.flatnonzero(clips)
    f1_macro, f1_weighted = (100 * f1_score(labels, predictions, labels=present, average=average, zero_division=0)
                             for average in ('macro', 'weighted'))
    return ClassificationMetrics(war=float(100 * correct.sum() / clips.sum()), uar=float(np.nanmean(recall)),
                         f1_macro=float(f1_macro), f1_weighted=float(f1_weighted), recall=recall, precision=precision,
                         confusion=confusion)


def bootstrap_intervals(confusion: np.ndarray, n_bootstrap: int = 2000, seed: int = 0,
                        ratio: float = 0.95) -> dict[str, tuple[float, float]]:
    """Percentile bootstrap intervals of the metrics in percent, stratified by class as the folds of DFEW and MAFW are.

    The metrics depend on the confusion matrix alone, and resampling a class's clips is sampling its row from a
    multinomial distribution.

    Args:
        confusion: (K, K) clips by true class (row) and predicted class (column).
        n_bootstrap: number of bootstrap samples.
        seed: of the samples.
        ratio: of the samples that lies within an interval.
    Returns: lower and upper end of each of INTERVAL_METRICS.
    Raises:
        InputError: `n_bootstrap` is not 1 or more.
    """
    check_whole('bootstrap_intervals', n_bootstrap=n_bootstrap)
    present = np.flatnonzero(confusion.sum(axis=1))
    clips = confusion[present].sum(axis=1)
    ratios = confusion[present] / clips[:, None]
    sampled = np.random.default_rng(seed).multinomial(clips[:, None], ratios[:, None], (len(clips), n_bootstrap))
    correct = sampled[np.arange(len(clips)), :, present].T  # (n_bootstrap, classes with clips)
    predicted = sampled.sum(axis=0)[:, present]  # clips taken for each class
    f1 = 2 * correct / (clips + predicted)
    sampled = (correct.sum(axis=1) / clips.sum(), (correct / clips).mean(axis=1), f1.mean(axis=1),
               (f1 * clips).sum(axis=1) / clips.sum())
    ends = np.quantile(100 * np.stack(sampled), [(1 - ratio) / 2, (1 + ratio) / 2], axis=1)  # (2, metrics)
    return {name: (float(low), float(high)) for name, low, high in zip(INTERVAL_METRICS, *ends, strict=True)}


@dataclass(frozen=True)
class EmotionMetrics:
    """All metrics of an evaluation, in percent."""
    recalls: ClassificationMetrics  # WAR, UAR, F1, and the metrics of each class
    top2: float  # ratio of clips whose class has one of the two highest scores
    ece: float | None  # expected calibration error; None where the scores are no probabilities
    intervals: dict[str, tuple[float, float]] | None = None  # 95 % bootstrap intervals; None without bootstrap
    n_bootstrap: int = 0  # number of bootstrap samples; 0 for none

    def scalars(self) -> dict[str, float]:
        """Metrics that are one number, by the names in logs and `save_best`."""
        metrics = dict(WAR=self.recalls.war, UAR=self.recalls.uar, F1_macro=self.recalls.f1_macro,
                       F1_weighted=self.recalls.f1_weighted, top2=self.top2)
        return metrics if self.ece is None else dict(metrics, ECE=self.ece)

    def details(self, classes: Sequence[str]) -> dict[str, Any]:
        """Metrics of each class for a json file, by the K names; None where a class has no clips or no predictions."""
        def by_class(values: np.ndarray) -> dict[str, float | None]:
            return {name: None if np.isnan(value) else float(value)
                    for name, value in zip(classes, values, strict=True)}

        clips = self.recalls.confusion.sum(axis=1).tolist()
        details = dict(classes=list(classes), class_clips=dict(zip(classes, clips, strict=True)),
                       absent=[classes[label] for label in self.recalls.absent],
                       recall=by_class(self.recalls.recall), precision=by_class(self.recalls.precision),
                       confusion=self.recalls.confusion.tolist())
        if self.intervals is not None:
            details['bootstrap'] = dict(n_bootstrap=self.n_bootstrap, stratified=True, ratio=.95,
                                        intervals=self.intervals)
        return details


def emotion_metrics(labels: np.ndarray, scores: np.ndarray, n_bootstrap: int = 0, seed: int = 0) -> EmotionMetrics:
    """Compute all metrics of an evaluation.

    Args:
        labels: (clips,) ints 0..K-1.
        scores: (clips, K), higher for the likelier class.
        n_bootstrap: number of bootstrap samples; 0 for no intervals.
        seed: of the bootstrap.
    Raises:
        InputError: there are no clips, labels outside 0..K-1, or scores that are infinite or NaN.
    """
    check_scores(scores, 'metrics')
    num_classes = scores.shape[1]
    recalls = classification_metrics(labels, scores.argmax(axis=1), num_classes)
    best = np.argsort(-scores, axis=1, kind='stable')[:, :2]  # (clips, 2), of equal ones the first, as argmax
    return EmotionMetrics(
        recalls=recalls, top2=float(100 * (best == np.asarray(labels)[:, None]).any(axis=1).mean()),
        ece=expected_calibration_error(labels, scores) if are_probabilities(scores) else None,
        intervals=bootstrap_intervals(recalls.confusion, n_bootstrap, seed) if n_bootstrap else None,
        n_bootstrap=n_bootstrap)
