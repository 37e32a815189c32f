"""Data sets: label schemas, annotation lists, and the transforms from files to packed samples."""
from .audio_visual import AudioVisualDataset
from .folds import DFEWDataset, FoldDataset, MAFWDataset
from .labels import DFEW, MAFW, MAFW_COMPOUND, LabelSchema, get_schema
from .list_formats import FORMATS, OfficialClip, OfficialList
from .official_lists import LIST_ENCODINGS, read_official_list
from .official_splits import NUM_FOLDS, count_by_class, differing_counts, excluded_counts, official_counts
from .samplers import ClassBalancedSampler, SeededBatchSampler
from .subsets import HoldoutSubset, NamedConcatDataset
from .transforms.audio import LoadAudioWindows, RandomRollGain
from .transforms.corruptions import AddAudioNoise, BlurFrames, DropFrames, OccludeFrames
from .transforms.filterbanks import LogMel
from .transforms.formatting import PackAudioVisualInputs
from .transforms.image import RandomEraseFrames, RandomFlipFrames, RandomResizedCropFrames, ResizeFrames
from .transforms.loading import DecodeFrames, OpenAudioVisualClip
from .transforms.rand_augment import RandAugmentFrames
from .transforms.sampling import SampleFrameViews

__all__ = ['AddAudioNoise', 'AudioVisualDataset', 'BlurFrames', 'ClassBalancedSampler', 'DFEW', 'DFEWDataset',
           'DecodeFrames', 'DropFrames', 'FORMATS', 'FoldDataset', 'HoldoutSubset', 'LIST_ENCODINGS', 'LabelSchema',
           'LoadAudioWindows', 'LogMel', 'MAFW', 'MAFWDataset', 'MAFW_COMPOUND', 'NUM_FOLDS', 'NamedConcatDataset',
           'OccludeFrames', 'OfficialClip', 'OfficialList', 'OpenAudioVisualClip', 'PackAudioVisualInputs',
           'RandAugmentFrames', 'RandomEraseFrames', 'RandomFlipFrames', 'RandomResizedCropFrames', 'RandomRollGain',
           'ResizeFrames', 'SampleFrameViews', 'SeededBatchSampler', 'count_by_class', 'differing_counts',
           'excluded_counts', 'get_schema', 'official_counts', 'read_official_list']
