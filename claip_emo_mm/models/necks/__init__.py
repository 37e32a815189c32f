from .audio_mean_pool import AudioMeanPool
from .audio_temporal_transformer import AudioTemporalTransformer
from .temporal_transformer import TemporalTransformer

__all__ = ['AudioMeanPool', 'AudioTemporalTransformer', 'TemporalTransformer']
