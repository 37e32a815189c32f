"""Weighted means of the scores of several models."""
from collections.abc import Iterator, Sequence

import numpy as np
from scipy.special import softmax

from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation.metrics import are_probabilities, check_scores, classification_metrics
from claip_emo_mm.evaluation.predictions import ClipScores

_STEPS = 20  # of a weight from 0 to 1, when weights are searched
_MAX_MODELS = 5  # more have too many combinations


def probabilities(clips: ClipScores) -> np.ndarray:
    """Scores (clips, K) that sum to 1: the scores themselves, or their softmax where they are logits."""
    check_scores(clips.scores, 'late fusion', names=clips.names)
    return clips.scores if are_probabilities(clips.scores) else softmax(clips.scores, axis=1)


def fuse(several: Sequence[ClipScores], weights: Sequence[float]) -> ClipScores:
    """Average the probabilities of several models on the same clips, by weights that are scaled to sum to 1."""
    if len(weights) != len(several) or min(weights) < 0 or not sum(weights):
        raise InputError(f'late fusion: {len(several)} models and the weights {", ".join(map(str, weights))}. Expected '
                         'one number for each model, none below 0 and not all 0.')
    ratios = np.array(weights) / sum(weights)
    fused = sum(ratio * probabilities(clips) for ratio, clips in zip(ratios, several, strict=True))
    return ClipScores(several[0].names, several[0].labels, fused.astype(np.float32), several[0].classes)


def search_weights(several: Sequence[ClipScores]) -> tuple[float, ...]:
    """Find the weights, in steps of 1/20, with the highest WAR, then the highest UAR, then the most even ones.

    Search on other clips than those whose metrics are reported with these weights.
    """
    if len(several) > _MAX_MODELS:
        raise InputError(f'late fusion: weights of {len(several)} models cannot be searched, {_MAX_MODELS} at most. '
                         'Fuse some of them first, or give --weights.')
    scores = np.stack([probabilities(clips) for clips in several])  # (models, clips, K)
    labels, num_classes = several[0].labels, scores.shape[2]

    def merit(weights: tuple[float, ...]) -> tuple[float, float, float]:
        metrics = classification_metrics(labels, np.tensordot(weights, scores, 1).argmax(axis=1), num_classes)
        return round(metrics.war, 9), round(metrics.uar, 9), -float(np.square(weights).sum())

    return max((tuple(count / _STEPS for count in counts) for counts in _compositions(_STEPS, len(several))), key=merit)


def _compositions(total: int, length: int) -> Iterator[tuple[int, ...]]:
    """All tuples of `length` whole numbers from 0 whose sum is `total`."""
    if length == 1:
        yield (total,)
        return
    for first in range(total + 1):
        for rest in _compositions(total - first, length - 1):
            yield (first, *rest)
