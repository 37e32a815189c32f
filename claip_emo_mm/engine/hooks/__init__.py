"""Hooks, registered in MMAction2's HOOKS."""
from claip_emo_mm.engine.optim import AccumulatedGradientHook, IterationSeedHook

from .checkpoint import AdapterCheckpointHook, BestEpochHook, RawWeightsHook, StrictLoadingHook
from .checks import CheckInvalidLossHook, ClassCheckHook, SharedMemoryHook, TrainableParametersHook
from .plots import ClipVisualizationHook, TrainingPlotHook
from .preemption import PreemptionHook
from .resume import ResumeStateHook
from .skipped_clips import SkippedClipsHook

__all__ = ['AccumulatedGradientHook', 'AdapterCheckpointHook', 'BestEpochHook', 'CheckInvalidLossHook',
           'ClassCheckHook', 'ClipVisualizationHook', 'IterationSeedHook', 'PreemptionHook', 'RawWeightsHook',
           'ResumeStateHook', 'SharedMemoryHook', 'SkippedClipsHook', 'StrictLoadingHook', 'TrainableParametersHook',
           'TrainingPlotHook']
