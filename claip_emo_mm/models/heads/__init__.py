"""Classification heads that fuse visual and audio features."""
from .fusions import ConcatFusionHead, CrossAttentionFusionHead, FiLMFusionHead, GatedFusionHead, SumFusionHead
from .language_head import LanguageHead
from .mmaction_head import MMActionFusionHead
from .text_init_head import TextInitFusionHead

__all__ = ['ConcatFusionHead', 'CrossAttentionFusionHead', 'FiLMFusionHead', 'GatedFusionHead', 'LanguageHead',
           'MMActionFusionHead', 'SumFusionHead', 'TextInitFusionHead']
