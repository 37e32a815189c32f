"""What several parts need and no library has."""
from .checked_numbers import check_positive, check_whole
from .names import file_stem, named, printable

__all__ = ['check_positive', 'check_whole', 'file_stem', 'named', 'printable']
