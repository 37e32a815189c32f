"""Plots of what the model reads, and of what a training and a test came to."""
from .contact_sheet import make_contact_sheet, write_contact_sheets
from .plots import plot_confusion_matrix, plot_robustness, plot_training_curves, read_scalars

__all__ = ['make_contact_sheet', 'plot_confusion_matrix', 'plot_robustness', 'plot_training_curves', 'read_scalars',
           'write_contact_sheets']
