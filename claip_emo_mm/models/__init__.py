"""Backbones, necks, heads, losses and recognizers.

Letters for the sizes of tensors, here and throughout the package: B clips, V views of a clip, T frames of a view,
U distinct frames, A distinct audio windows, C channels, H W pixels, N tokens, D width, M mel frames, F mel bins,
K classes.
"""
from .backbones.clap import CLAPAudioBackbone
from .backbones.clip import CLIPVisualBackbone
from .backbones.wrappers import AudioBackboneWrapper, ImageBackboneWrapper, VideoBackboneWrapper
from .data_preprocessor import AudioVisualDataPreprocessor
from .heads.fusions import ConcatFusionHead, CrossAttentionFusionHead, FiLMFusionHead, GatedFusionHead, SumFusionHead
from .heads.language_head import LanguageHead
from .heads.mmaction_head import MMActionFusionHead
from .heads.text_init_head import TextInitFusionHead
from .losses import LogitAdjustedLoss, SoftmaxFocalLoss
from .necks import AudioMeanPool, AudioTemporalTransformer, AudioTokens, FrameTokens, TemporalTransformer
from .pretrainer import ContrastivePretrainer
from .recognizer import AudioVisualRecognizer

__all__ = ['AudioBackboneWrapper', 'AudioMeanPool', 'AudioTemporalTransformer', 'AudioTokens',
           'AudioVisualDataPreprocessor', 'AudioVisualRecognizer', 'CLAPAudioBackbone', 'CLIPVisualBackbone',
           'ConcatFusionHead', 'ContrastivePretrainer', 'CrossAttentionFusionHead', 'FiLMFusionHead', 'FrameTokens',
           'GatedFusionHead', 'ImageBackboneWrapper', 'LanguageHead', 'LogitAdjustedLoss', 'MMActionFusionHead',
           'SoftmaxFocalLoss', 'SumFusionHead', 'TemporalTransformer', 'TextInitFusionHead', 'VideoBackboneWrapper']
