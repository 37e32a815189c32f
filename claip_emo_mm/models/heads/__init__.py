from .concat_fusion_head import ConcatFusionHead

__all__ = ['ConcatFusionHead']
