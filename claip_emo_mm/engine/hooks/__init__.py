"""Hooks of our own beside the host's; each is registered in mmaction's HOOKS."""
from .checkpoint_meta_hook import CheckpointMetaHook
from .class_names_hook import ClassNamesHook
from .clip_picture_hook import ClipPictureHook
from .strict_loading_hook import StrictLoadingHook
from .trained_parameters_hook import TrainedParametersHook

__all__ = ['CheckpointMetaHook', 'ClassNamesHook', 'ClipPictureHook', 'StrictLoadingHook', 'TrainedParametersHook']
