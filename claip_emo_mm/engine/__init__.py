"""Training infrastructure: hooks, loop, optimizer, checkpoint format, and configs for the command-line tools."""
from .hooks.calibration import CalibrationHook
from .hooks.checkpoint import AdapterCheckpointHook, BestEpochHook, RawWeightsHook, StrictLoadingHook
from .hooks.checks import (
    CheckInvalidLossHook,
    ClassCheckHook,
    SharedMemoryHook,
    SkippedClipsHook,
    TrainableParametersHook,
)
from .hooks.plots import ClipVisualizationHook, TrainingPlotHook
from .hooks.preemption import PreemptionHook
from .hooks.resume import ResumeStateHook
from .loop import ResumableTrainLoop
from .optim import AccumulatedGradientHook, IterationSeedHook, ScaledLROptimWrapperConstructor

__all__ = ['AccumulatedGradientHook', 'AdapterCheckpointHook', 'BestEpochHook', 'CalibrationHook',
           'CheckInvalidLossHook', 'ClassCheckHook', 'ClipVisualizationHook', 'IterationSeedHook', 'PreemptionHook',
           'RawWeightsHook', 'ResumableTrainLoop', 'ResumeStateHook', 'ScaledLROptimWrapperConstructor',
           'SharedMemoryHook', 'SkippedClipsHook', 'StrictLoadingHook', 'TrainableParametersHook', 'TrainingPlotHook']
