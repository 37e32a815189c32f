"""Data sets, label schemas, annotation lists and transforms."""
from . import transforms
from .audio_visual import AudioVisualDataset
from .corpora import Corpus, Exclusion, LabelTable
from .folds import CorpusDataset, DFEWDataset, FoldDataset, MAFWDataset
from .known_corpora import CORPORA
from .labels import DFEW, MAFW, MAFW_COMPOUND, LabelSchema, get_schema
from .official_lists import OfficialList, read_official_list
from .official_splits import NUM_FOLDS, OfficialSplit, count_by_class, excluded_counts, official_counts
from .samplers import ClassBalancedSampler, SeededBatchSampler
from .subsets import HoldoutSubset, MappedClassesDataset, NamedConcatDataset

__all__ = ['AudioVisualDataset', 'CORPORA', 'ClassBalancedSampler', 'Corpus', 'CorpusDataset', 'DFEW', 'DFEWDataset',
           'Exclusion', 'FoldDataset', 'HoldoutSubset', 'LabelSchema', 'LabelTable', 'MAFW', 'MAFWDataset',
           'MAFW_COMPOUND', 'MappedClassesDataset', 'NUM_FOLDS', 'NamedConcatDataset', 'OfficialList', 'OfficialSplit',
           'SeededBatchSampler', 'count_by_class', 'excluded_counts', 'get_schema', 'official_counts',
           'read_official_list', 'transforms']
