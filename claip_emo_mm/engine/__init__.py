"""What stands around a training: hooks, and the handling of configs for the command lines."""
from .hooks import CheckpointMetaHook, ClassNamesHook, ClipPictureHook, StrictLoadingHook, TrainedParametersHook

__all__ = ['CheckpointMetaHook', 'ClassNamesHook', 'ClipPictureHook', 'StrictLoadingHook', 'TrainedParametersHook']
