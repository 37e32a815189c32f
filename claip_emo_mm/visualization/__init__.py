"""Pictures of what the model reads."""
from .contact_sheet import draw_contact_sheet, write_contact_sheets

__all__ = ['draw_contact_sheet', 'write_contact_sheets']
