"""Transforms, in the order of a pipeline: open, sample, decode, resize; sound windows, roll and gain, log-mel; pack."""
from .decode_frames import DecodeFrames
from .load_sound_windows import LoadSoundWindows
from .log_mel import LogMel
from .open_audio_visual_clip import OpenAudioVisualClip
from .pack_audio_visual_inputs import PackAudioVisualInputs
from .random_roll_gain import RandomRollGain
from .resize_frames import ResizeFrames
from .sample_frame_views import SampleFrameViews

__all__ = ['DecodeFrames', 'LoadSoundWindows', 'LogMel', 'OpenAudioVisualClip', 'PackAudioVisualInputs',
           'RandomRollGain', 'ResizeFrames', 'SampleFrameViews']
