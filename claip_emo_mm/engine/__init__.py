"""What stands around a training: hooks, the checkpoint format, and the handling of configs for the command lines."""
from .accumulated_rate_constructor import AccumulatedRateConstructor
from .hooks import (
    AccumulatedGradientHook,
    BestEpochHook,
    CheckpointContentHook,
    ClassNamesHook,
    ClipPictureHook,
    ClipReportHook,
    FiniteLossHook,
    IterationSeedHook,
    ResumeFileHook,
    StrictLoadingHook,
    TerminationHook,
    TrainedParametersHook,
    TrainingPictureHook,
)
from .resumable_train_loop import ResumableTrainLoop

__all__ = ['AccumulatedGradientHook', 'AccumulatedRateConstructor', 'BestEpochHook', 'CheckpointContentHook',
           'ClassNamesHook', 'ClipPictureHook', 'ClipReportHook', 'FiniteLossHook', 'IterationSeedHook',
           'ResumableTrainLoop', 'ResumeFileHook', 'StrictLoadingHook', 'TerminationHook', 'TrainedParametersHook',
           'TrainingPictureHook']
