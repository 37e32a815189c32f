"""Mirroring the frames."""
import cv2
import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from claip_emo_mm.datasets.transforms.needed_keys import check_keys
from claip_emo_mm.errors import InputError


@TRANSFORMS.register_module()
class RandomFlipFrames(BaseTransform):
    """Mirror all frames of a clip left to right, or none; for training only.

    Reads and replaces `imgs`, frames (H, W, 3) uint8.

    Args:
        probability: of mirroring, 0..1.

    Raises:
        InputError: `probability` is none.
    """

    def __init__(self, probability: float = 0.5) -> None:
        if not 0 <= probability <= 1:
            raise InputError(f'RandomFlipFrames: probability is {probability}. Expected 0..1.')
        self.probability = probability

    def transform(self, results: dict) -> dict:
        check_keys(self, results, imgs='DecodeFrames')
        if np.random.random() >= self.probability:
            return dict(results)
        frames = results['imgs']
        mirrored = [cv2.flip(frame, 1) for frame in frames]
        return dict(results, imgs=np.stack(mirrored) if isinstance(frames, np.ndarray) else mirrored)
