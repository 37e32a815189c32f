"""The lists in which DFEW and MAFW are handed out and passed on, whatever their form."""
from .forms import FORMS
from .published_counts import NUM_FOLDS, count_by_class, differing_counts, left_out_counts, published_counts
from .published_list import PublishedClip, PublishedList
from .reading import LIST_ENCODINGS, read_published_list

__all__ = ['FORMS', 'LIST_ENCODINGS', 'NUM_FOLDS', 'PublishedClip', 'PublishedList', 'count_by_class',
           'differing_counts', 'left_out_counts', 'published_counts', 'read_published_list']
