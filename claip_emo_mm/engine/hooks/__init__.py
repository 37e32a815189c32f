"""Hooks of our own beside the host's; each is registered in mmaction's HOOKS."""
from .checkpoint_content_hook import CheckpointContentHook
from .class_names_hook import ClassNamesHook
from .clip_picture_hook import ClipPictureHook
from .clip_report_hook import ClipReportHook
from .epoch_seed_hook import EpochSeedHook
from .finite_loss_hook import FiniteLossHook
from .resume_file_hook import ResumeFileHook
from .strict_loading_hook import StrictLoadingHook
from .trained_parameters_hook import TrainedParametersHook
from .training_picture_hook import TrainingPictureHook

__all__ = ['CheckpointContentHook', 'ClassNamesHook', 'ClipPictureHook', 'ClipReportHook', 'EpochSeedHook',
           'FiniteLossHook', 'ResumeFileHook', 'StrictLoadingHook', 'TrainedParametersHook', 'TrainingPictureHook']
