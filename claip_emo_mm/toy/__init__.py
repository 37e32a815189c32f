"""Toy data sets of drawn talking faces, made locally: nothing needs to be downloaded."""
from .captioned import CaptionedDataset, CaptionedSettings, make_captioned_set
from .clips import write_clip
from .dataset import DEFAULT_CLIPS, make_toy_set, write_toy_folds
from .downloads import make_download

__all__ = ['CaptionedDataset', 'CaptionedSettings', 'DEFAULT_CLIPS', 'make_captioned_set', 'make_download',
           'make_toy_set', 'write_clip', 'write_toy_folds']
