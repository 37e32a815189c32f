"""Preparation of data sets, as the command line `tools/prepare_data.py` does it."""
from .corpus_dataset import CorpusSet, prepare_corpus
from .folder_dataset import FolderSet, prepare_folder_dataset
from .official_dataset import OfficialSet, PreparationReport, prepare_official_dataset

__all__ = ['CorpusSet', 'FolderSet', 'OfficialSet', 'PreparationReport', 'prepare_corpus', 'prepare_folder_dataset',
           'prepare_official_dataset']
