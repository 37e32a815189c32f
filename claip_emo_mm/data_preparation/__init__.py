"""Preparing data sets: what the command line `tools/prepare_data.py` does."""
from .preparation_report import PreparationReport
from .published_set import PublishedSet, prepare_published_set
from .toy import make_toy_set

__all__ = ['PreparationReport', 'PublishedSet', 'make_toy_set', 'prepare_published_set']
