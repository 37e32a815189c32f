"""Figures of merit: as pure functions, and as a metric for MMEngine's runner."""
from .emotion_metric import EmotionMetric
from .recall import RecallFigures, recall_figures
from .recall_table import recall_table

__all__ = ['EmotionMetric', 'RecallFigures', 'recall_figures', 'recall_table']
