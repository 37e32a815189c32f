"""Classification heads that fuse visual and audio features."""
from .fusions import ConcatFusionHead, CrossAttentionFusionHead, FiLMFusionHead, GatedFusionHead, SumFusionHead
from .mmaction_head import MMActionFusionHead

__all__ = ['ConcatFusionHead', 'CrossAttentionFusionHead', 'FiLMFusionHead', 'GatedFusionHead', 'MMActionFusionHead',
           'SumFusionHead']
