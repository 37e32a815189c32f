"""Preparing data sets: what the command line `tools/prepare_data.py` does."""
from .folder_dataset import FolderSet, prepare_folder_dataset
from .official_dataset import OfficialSet, prepare_official_dataset
from .report import PreparationReport

__all__ = ['FolderSet', 'OfficialSet', 'PreparationReport', 'prepare_folder_dataset', 'prepare_official_dataset']
