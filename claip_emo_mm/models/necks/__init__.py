from .audio_mean_pool import AudioMeanPool
from .temporal_transformer import TemporalTransformer

__all__ = ['AudioMeanPool', 'TemporalTransformer']
