"""Pictures of what the model reads, and of what a training and a test came to."""
from .confusion_picture import draw_confusion_matrix
from .contact_sheet import draw_contact_sheet, write_contact_sheets
from .robustness_picture import draw_robustness
from .training_curves import draw_training_curves, read_scalars

__all__ = ['draw_confusion_matrix', 'draw_contact_sheet', 'draw_robustness', 'draw_training_curves', 'read_scalars',
           'write_contact_sheets']
