"""Metrics: as pure functions, and as a metric for MMEngine's runner."""
from importlib import import_module
from typing import Any

from .metrics import (
    ClassificationMetrics,
    EmotionMetrics,
    bootstrap_intervals,
    classification_metrics,
    emotion_metrics,
    expected_calibration_error,
)
from .predictions import ClipScores, read_clip_scores, write_clip_scores
from .tables import metrics_table

__all__ = ['ClassificationMetrics', 'ClipScores', 'EmotionMetric', 'EmotionMetrics', 'bootstrap_intervals',
           'classification_metrics', 'emotion_metrics', 'expected_calibration_error', 'measure_robustness',
           'metrics_table', 'read_clip_scores', 'robustness_table', 'write_clip_scores']

_OF_MODELS = dict(EmotionMetric='metric', measure_robustness='robustness', robustness_table='robustness')


def __getattr__(name: str) -> Any:
    """Import what needs PyTorch when it is asked for (PEP 562)."""
    if name not in _OF_MODELS:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module(f'{__name__}.{_OF_MODELS[name]}'), name)
