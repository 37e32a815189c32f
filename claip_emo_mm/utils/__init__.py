"""What several parts need and no library has."""
from claip_emo_mm.errors import check_positive, check_whole

from .text import file_stem, named, printable

__all__ = ['check_positive', 'check_whole', 'file_stem', 'named', 'printable']
