"""Noise on the sound."""
import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from claip_emo_mm.datasets.corruptions.clip_draws import clip_generator
from claip_emo_mm.datasets.transforms.needed_keys import check_keys
from claip_emo_mm.utils import check_whole


@TRANSFORMS.register_module()
class AddSoundNoise(BaseTransform):
    """Add white Gaussian noise to every sound window, as strong as a ratio to its own power says.

    Reads and replaces `audios`, A arrays (n,) float32; silence stays silent. Put it before LogMel.

    Args:
        snr_db: signal-to-noise ratio in dB; 0 for noise as strong as the sound.
        seed: of the noise, which is a clip's own.
    """

    def __init__(self, snr_db: float, seed: int = 0) -> None:
        self.snr_db = snr_db
        check_whole(self, least=0, seed=seed)
        self.seed = seed

    def transform(self, results: dict) -> dict:
        check_keys(self, results, audios='LoadSoundWindows')
        generator = clip_generator(results, self.seed)
        return dict(results, audios=[self._spoil(samples, generator) for samples in results['audios']])

    def _spoil(self, samples: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        level = np.sqrt(np.mean(np.square(samples, dtype=np.float64)) / 10 ** (self.snr_db / 10))
        return samples + np.float32(level) * generator.standard_normal(len(samples), np.float32)
