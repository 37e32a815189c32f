"""All figures of an evaluation together."""
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from mmaction.evaluation.functional import top_k_accuracy

from claip_emo_mm.evaluation.calibration import are_probabilities, expected_calibration_error
from claip_emo_mm.evaluation.finite_scores import check_scores
from claip_emo_mm.evaluation.intervals import bootstrap_intervals
from claip_emo_mm.evaluation.recall import RecallFigures, recall_figures


@dataclass(frozen=True)
class EmotionFigures:
    """What an evaluation gives, in percent.

    Args:
        recalls: WAR, UAR, F1, and the figures of each class.
        top2: share of clips whose class has one of the two highest scores.
        ece: expected calibration error; None where the scores are no probabilities.
        intervals: ends of the 95 % bootstrap intervals by name; None where they were not asked for.
        draws: of the bootstrap; 0 for none.
    """

    recalls: RecallFigures
    top2: float
    ece: float | None
    intervals: dict[str, tuple[float, float]] | None = None
    draws: int = 0

    def scalars(self) -> dict[str, float]:
        """The figures that are one number, by the names that logs and `save_best` know."""
        figures = dict(WAR=self.recalls.war, UAR=self.recalls.uar, F1_macro=self.recalls.f1_macro,
                       F1_weighted=self.recalls.f1_weighted, top2=self.top2)
        return figures if self.ece is None else dict(figures, ECE=self.ece)

    def details(self, classes: Sequence[str]) -> dict[str, Any]:
        """What is not one number, for a json file: None where a class has no clips, or none was taken for it.

        Args:
            classes: K names.
        """
        def by_class(values: np.ndarray) -> dict[str, float | None]:
            return {name: None if np.isnan(value) else float(value)
                    for name, value in zip(classes, values, strict=True)}

        clips = self.recalls.confusion.sum(axis=1).tolist()
        details = dict(classes=list(classes), class_clips=dict(zip(classes, clips, strict=True)),
                       absent=[classes[label] for label in self.recalls.absent],
                       recall=by_class(self.recalls.recall), precision=by_class(self.recalls.precision),
                       confusion=self.recalls.confusion.tolist())
        if self.intervals is not None:
            details['bootstrap'] = dict(draws=self.draws, stratified=True, share=.95, intervals=self.intervals)
        return details


def emotion_figures(labels: np.ndarray, scores: np.ndarray, draws: int = 0, seed: int = 0) -> EmotionFigures:
    """Compute all figures.

    Args:
        labels: (clips,) ints 0..K-1.
        scores: (clips, K), higher for the likelier class.
        draws: of the bootstrap; 0 for no intervals.
        seed: of the bootstrap.
    Raises:
        InputError: there are no clips, labels outside 0..K-1, or scores that are infinite or NaN.
    """
    check_scores(scores, 'figures')
    num_classes = scores.shape[1]
    recalls = recall_figures(labels, scores.argmax(axis=1), num_classes)
    return EmotionFigures(
        recalls=recalls, top2=float(100 * top_k_accuracy(scores, labels, (min(2, num_classes),))[0]),
        ece=expected_calibration_error(labels, scores) if are_probabilities(scores) else None,
        intervals=bootstrap_intervals(recalls.confusion, draws, seed) if draws else None, draws=draws)
