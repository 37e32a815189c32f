"""Transforms, in the order of a pipeline: open, sample, decode, resize; augment pictures; sound windows, roll and gain,
log-mel; pack.
"""
from .decode_frames import DecodeFrames
from .gather_views import GatherViews
from .load_sound_windows import LoadSoundWindows
from .log_mel import LogMel
from .open_audio_visual_clip import OpenAudioVisualClip
from .pack_audio_visual_inputs import PackAudioVisualInputs
from .rand_augment_frames import RandAugmentFrames
from .random_erase_frames import RandomEraseFrames
from .random_flip_frames import RandomFlipFrames
from .random_resized_crop_frames import RandomResizedCropFrames
from .random_roll_gain import RandomRollGain
from .resize_frames import ResizeFrames
from .sample_frame_views import SampleFrameViews

__all__ = ['DecodeFrames', 'GatherViews', 'LoadSoundWindows', 'LogMel', 'OpenAudioVisualClip', 'PackAudioVisualInputs',
           'RandAugmentFrames', 'RandomEraseFrames', 'RandomFlipFrames', 'RandomResizedCropFrames', 'RandomRollGain',
           'ResizeFrames', 'SampleFrameViews']
