"""Preparing data sets: what the command line `tools/prepare_data.py` does."""
from .own_set import OwnSet, prepare_own_set
from .preparation_report import PreparationReport
from .published_set import PublishedSet, prepare_published_set
from .toy import make_toy_set

__all__ = ['OwnSet', 'PreparationReport', 'PublishedSet', 'make_toy_set', 'prepare_own_set', 'prepare_published_set']
