"""What stands around a training: hooks, the checkpoint format, and the handling of configs for the command lines."""
from .accumulated_rate_constructor import AccumulatedRateConstructor
from .hooks import (
    CheckpointContentHook,
    ClassNamesHook,
    ClipPictureHook,
    ClipReportHook,
    EpochSeedHook,
    FiniteLossHook,
    ResumeFileHook,
    StrictLoadingHook,
    TrainedParametersHook,
    TrainingPictureHook,
)

__all__ = ['AccumulatedRateConstructor', 'CheckpointContentHook', 'ClassNamesHook', 'ClipPictureHook',
           'ClipReportHook', 'EpochSeedHook', 'FiniteLossHook', 'ResumeFileHook', 'StrictLoadingHook',
           'TrainedParametersHook', 'TrainingPictureHook']
