"""Hooks of our own beside the host's; each is registered in mmaction's HOOKS."""
from .accumulated_gradient_hook import AccumulatedGradientHook
from .best_epoch_hook import BestEpochHook
from .checkpoint_content_hook import CheckpointContentHook
from .class_names_hook import ClassNamesHook
from .clip_picture_hook import ClipPictureHook
from .clip_report_hook import ClipReportHook
from .finite_loss_hook import FiniteLossHook
from .iteration_seed_hook import IterationSeedHook
from .raw_weights_hook import RawWeightsHook
from .resume_file_hook import ResumeFileHook
from .shared_memory_hook import SharedMemoryHook
from .strict_loading_hook import StrictLoadingHook
from .termination_hook import TerminationHook
from .trained_parameters_hook import TrainedParametersHook
from .training_picture_hook import TrainingPictureHook

__all__ = ['AccumulatedGradientHook', 'BestEpochHook', 'CheckpointContentHook', 'ClassNamesHook', 'ClipPictureHook',
           'ClipReportHook', 'FiniteLossHook', 'IterationSeedHook', 'RawWeightsHook', 'ResumeFileHook',
           'SharedMemoryHook', 'StrictLoadingHook', 'TerminationHook', 'TrainedParametersHook', 'TrainingPictureHook']
