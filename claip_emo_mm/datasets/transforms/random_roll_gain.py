"""Augmentation of the sound."""
import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from claip_emo_mm.datasets.transforms.needed_keys import check_keys


@TRANSFORMS.register_module()
class RandomRollGain(BaseTransform):
    """Begin the sound at a random sample, in a circle, and scale it by a gain drawn from Beta(10, 10) + 0.5.

    For training only (reference recipe; its code does it in the test too, which makes test scores random). Reads and
    replaces `audios`, A arrays (n,) float32, each with a draw of its own.
    """

    def transform(self, results: dict) -> dict:
        check_keys(self, results, audios='LoadSoundWindows')
        return dict(results, audios=[self._augment(samples) for samples in results['audios']])

    def _augment(self, samples: np.ndarray) -> np.ndarray:
        rolled = np.roll(samples, np.random.randint(len(samples)))
        return rolled * np.float32(np.random.beta(10, 10) + 0.5)
