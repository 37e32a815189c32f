"""Checkpoints of other programs, as files of ours."""
from .convert import KINDS, convert_weights

__all__ = ['KINDS', 'convert_weights']
