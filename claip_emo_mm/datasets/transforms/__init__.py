"""Transforms of frames and audio."""
from .audio import LoadAudioWindows, RandomRollGain
from .cached_features import LoadCachedFeatures
from .corruptions import AddAudioNoise, BlurFrames, DropFrames, OccludeFrames
from .filterbanks import LogMel
from .formatting import PackAudioVisualInputs
from .image import RandomEraseFrames, RandomFlipFrames, RandomResizedCropFrames, ResizeFrames
from .loading import DecodeFrames, OpenAudioVisualClip
from .rand_augment import RandAugmentFrames
from .sampling import GatherViews, SampleFrameViews

__all__ = ['AddAudioNoise', 'BlurFrames', 'DecodeFrames', 'DropFrames', 'GatherViews', 'LoadAudioWindows',
           'LoadCachedFeatures', 'LogMel', 'OccludeFrames', 'OpenAudioVisualClip', 'PackAudioVisualInputs',
           'RandAugmentFrames', 'RandomEraseFrames', 'RandomFlipFrames', 'RandomResizedCropFrames', 'RandomRollGain',
           'ResizeFrames', 'SampleFrameViews']
