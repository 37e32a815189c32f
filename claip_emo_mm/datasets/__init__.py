"""Data sets: label schemas, annotation lists, and the transforms from files to packed samples."""
from .audio_visual_dataset import AudioVisualDataset
from .label_schemas import DFEW, LabelSchema, get_schema
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

__all__ = ['DFEW', 'AudioVisualDataset', 'DecodeFrames', 'LabelSchema', 'LoadSoundWindows', 'LogMel',
           'OpenAudioVisualClip', 'PackAudioVisualInputs', 'RandAugmentFrames', 'RandomEraseFrames',
           'RandomFlipFrames', 'RandomResizedCropFrames', 'RandomRollGain', 'ResizeFrames', 'SampleFrameViews',
           'get_schema']
