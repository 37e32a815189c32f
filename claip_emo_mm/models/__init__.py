"""The parts of the model.

Letters for the sizes of tensors, here and throughout the package: B clips, V views of a clip, T frames of a view,
U distinct frames, A distinct audio windows, C channels, H W pixels, N tokens, D width, M mel frames, F mel bins,
K classes.
"""
from .backbones import (
    CLAPAudioBackbone,
    CLIPVisualBackbone,
    ClipWiseBackbone,
    FrameWiseBackbone,
    SpectrogramBackbone,
)
from .data_preprocessor import AudioVisualDataPreprocessor
from .heads import (
    ConcatFusionHead,
    CrossAttentionFusionHead,
    FiLMFusionHead,
    GatedFusionHead,
    HostFusionHead,
    SumFusionHead,
)
from .losses import LogitAdjustedLoss, SoftmaxFocalLoss
from .necks import AudioMeanPool, AudioTemporalTransformer, FrameTokens, SoundTokens, TemporalTransformer
from .pretrainers import ContrastivePretrainer
from .recognizers import AudioVisualRecognizer

__all__ = ['AudioMeanPool', 'AudioTemporalTransformer', 'AudioVisualDataPreprocessor', 'AudioVisualRecognizer',
           'CLAPAudioBackbone', 'CLIPVisualBackbone', 'ClipWiseBackbone', 'ConcatFusionHead', 'ContrastivePretrainer',
           'CrossAttentionFusionHead', 'FiLMFusionHead', 'FrameTokens', 'FrameWiseBackbone', 'GatedFusionHead',
           'HostFusionHead', 'LogitAdjustedLoss', 'SoftmaxFocalLoss', 'SoundTokens', 'SpectrogramBackbone',
           'SumFusionHead', 'TemporalTransformer']
