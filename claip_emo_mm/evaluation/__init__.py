"""Metrics: as pure functions, and as a metric for MMEngine's runner."""
from .metric import EmotionMetric
from .metrics import (
    ClassificationMetrics,
    EmotionMetrics,
    bootstrap_intervals,
    classification_metrics,
    emotion_metrics,
    expected_calibration_error,
)
from .predictions import ClipScores, read_clip_scores, write_clip_scores
from .robustness import measure_robustness, robustness_table
from .tables import metrics_table

__all__ = ['ClassificationMetrics', 'ClipScores', 'EmotionMetric', 'EmotionMetrics', 'bootstrap_intervals',
           'classification_metrics', 'emotion_metrics', 'expected_calibration_error', 'measure_robustness',
           'metrics_table', 'read_clip_scores', 'robustness_table', 'write_clip_scores']
