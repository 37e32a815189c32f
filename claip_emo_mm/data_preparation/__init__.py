"""Preparation of data sets, as the command line `tools/prepare_data.py` does it."""
from .folder_dataset import FolderSet, prepare_folder_dataset
from .official_dataset import OfficialSet, PreparationReport, prepare_official_dataset

__all__ = ['FolderSet', 'OfficialSet', 'PreparationReport', 'prepare_folder_dataset', 'prepare_official_dataset']
