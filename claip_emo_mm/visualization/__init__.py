"""Plots of the model's inputs, of trainings and of tests."""
from .contact_sheet import make_contact_sheet, write_contact_sheets
from .plots import figure_bytes, plot_confusion_matrix, plot_robustness, write_figure
from .timeline import plot_timeline
from .training_curves import plot_training_curves, read_scalars

__all__ = ['figure_bytes', 'make_contact_sheet', 'plot_confusion_matrix', 'plot_robustness', 'plot_timeline',
           'plot_training_curves', 'read_scalars', 'write_contact_sheets', 'write_figure']
