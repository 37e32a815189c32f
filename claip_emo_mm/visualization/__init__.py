"""Plots of the model's inputs, of trainings and of tests."""
from .contact_sheet import make_contact_sheet, write_contact_sheets
from .plots import plot_confusion_matrix, plot_robustness, plot_training_curves, read_scalars

__all__ = ['make_contact_sheet', 'plot_confusion_matrix', 'plot_robustness', 'plot_training_curves', 'read_scalars',
           'write_contact_sheets']
