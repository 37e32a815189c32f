"""What stands around a training: hooks, the checkpoint format, and the handling of configs for the command lines."""
from .accumulated_rate_constructor import AccumulatedRateConstructor
from .hooks import (
    CheckpointContentHook,
    ClassNamesHook,
    ClipPictureHook,
    ClipReportHook,
    EpochSeedHook,
    ResumeFileHook,
    StrictLoadingHook,
    TrainedParametersHook,
)

__all__ = ['AccumulatedRateConstructor', 'CheckpointContentHook', 'ClassNamesHook', 'ClipPictureHook',
           'ClipReportHook', 'EpochSeedHook', 'ResumeFileHook', 'StrictLoadingHook', 'TrainedParametersHook']
