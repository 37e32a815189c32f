"""What several parts need and no library has."""
from .names import file_stem, named, printable

__all__ = ['file_stem', 'named', 'printable']
