from .audio_mean_pool import AudioMeanPool
from .audio_temporal_transformer import AudioTemporalTransformer
from .frame_tokens import FrameTokens
from .sound_tokens import SoundTokens
from .temporal_transformer import TemporalTransformer

__all__ = ['AudioMeanPool', 'AudioTemporalTransformer', 'FrameTokens', 'SoundTokens', 'TemporalTransformer']
