"""Data sets: label schemas, annotation lists, and the transforms from files to packed samples."""
from .audio_visual_dataset import AudioVisualDataset
from .class_balanced_sampler import ClassBalancedSampler
from .corruptions import AddSoundNoise, BlurFrames, DropFrames, OccludeFrames
from .dfew_dataset import DFEWDataset
from .fold_dataset import FoldDataset
from .held_out_part import HeldOutPart
from .label_schemas import DFEW, MAFW, MAFW_COMPOUND, LabelSchema, get_schema
from .mafw_dataset import MAFWDataset
from .named_parts import NamedParts
from .seeded_batch_sampler import SeededBatchSampler
from .transforms import (
    DecodeFrames,
    LoadSoundWindows,
    LogMel,
    OpenAudioVisualClip,
    PackAudioVisualInputs,
    RandAugmentFrames,
    RandomEraseFrames,
    RandomFlipFrames,
    RandomResizedCropFrames,
    RandomRollGain,
    ResizeFrames,
    SampleFrameViews,
)

__all__ = ['DFEW', 'MAFW', 'MAFW_COMPOUND', 'AddSoundNoise', 'AudioVisualDataset', 'BlurFrames',
           'ClassBalancedSampler', 'DFEWDataset', 'DecodeFrames', 'DropFrames', 'FoldDataset', 'HeldOutPart',
           'LabelSchema', 'LoadSoundWindows', 'LogMel', 'MAFWDataset', 'NamedParts', 'OccludeFrames',
           'OpenAudioVisualClip', 'PackAudioVisualInputs', 'RandAugmentFrames', 'RandomEraseFrames',
           'RandomFlipFrames', 'RandomResizedCropFrames', 'RandomRollGain', 'ResizeFrames', 'SampleFrameViews',
           'SeededBatchSampler', 'get_schema']
