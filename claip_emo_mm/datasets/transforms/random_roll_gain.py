"""Augmentation of the sound."""
import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from claip_emo_mm.datasets.transforms.needed_keys import check_keys


@TRANSFORMS.register_module()
class RandomRollGain(BaseTransform):
    """Scale the sound by a gain drawn from Beta(10, 10) + 0.5, and let it begin at a random sample, in a circle.

    For training only (the reference's code scales in the test too, which makes test scores random). Reads and replaces
    `audios`, A arrays (n,) float32, each with a draw of its own.

    Args:
        roll: begin at a random sample. The reference recipe means to, but draws below the number of channels, 1: it
            never does.
    """

    def __init__(self, roll: bool = False) -> None:
        self.roll = roll

    def transform(self, results: dict) -> dict:
        check_keys(self, results, audios='LoadSoundWindows')
        return dict(results, audios=[self._augment(samples) for samples in results['audios']])

    def _augment(self, samples: np.ndarray) -> np.ndarray:
        if self.roll:
            samples = np.roll(samples, np.random.randint(len(samples)))
        return samples * np.float32(np.random.beta(10, 10) + 0.5)
