"""Figures of merit: as pure functions, and as a metric for MMEngine's runner."""
from .calibration import expected_calibration_error
from .clip_scores import ClipScores, read_clip_scores, write_clip_scores
from .emotion_figures import EmotionFigures, emotion_figures
from .emotion_metric import EmotionMetric
from .figures_table import figures_table
from .intervals import bootstrap_intervals
from .recall import RecallFigures, recall_figures
from .robustness import measure_robustness, robustness_table

__all__ = ['ClipScores', 'EmotionFigures', 'EmotionMetric', 'RecallFigures', 'bootstrap_intervals', 'emotion_figures',
           'expected_calibration_error', 'figures_table', 'measure_robustness', 'read_clip_scores', 'recall_figures',
           'robustness_table', 'write_clip_scores']
