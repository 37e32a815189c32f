"""Preparing data sets: what the command line `tools/prepare_data.py` does."""
from .toy import make_toy_set

__all__ = ['make_toy_set']
