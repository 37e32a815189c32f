"""Transforms that spoil a clip in one way, to find out how much a model suffers from it."""
from .add_sound_noise import AddSoundNoise
from .blur_frames import BlurFrames
from .drop_frames import DropFrames
from .occlude_frames import OccludeFrames

__all__ = ['AddSoundNoise', 'BlurFrames', 'DropFrames', 'OccludeFrames']
