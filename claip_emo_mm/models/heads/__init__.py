from .concat_fusion_head import ConcatFusionHead
from .cross_attention_fusion_head import CrossAttentionFusionHead
from .film_fusion_head import FiLMFusionHead
from .gated_fusion_head import GatedFusionHead
from .host_fusion_head import HostFusionHead
from .sum_fusion_head import SumFusionHead

__all__ = ['ConcatFusionHead', 'CrossAttentionFusionHead', 'FiLMFusionHead', 'GatedFusionHead', 'HostFusionHead',
           'SumFusionHead']
