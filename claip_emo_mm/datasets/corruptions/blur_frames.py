"""Blurred frames."""
import cv2
import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from claip_emo_mm.datasets.transforms.needed_keys import check_keys
from claip_emo_mm.errors import InputError


@TRANSFORMS.register_module()
class BlurFrames(BaseTransform):
    """Blur all frames by a Gaussian, as wide as a share of their width.

    Reads and replaces `imgs`, (U, H, W, 3) uint8. Put it behind ResizeFrames.

    Args:
        sigma: standard deviation of the Gaussian, as a share of the frames' width.
    Raises:
        InputError: `sigma` is not above 0.
    """

    def __init__(self, sigma: float) -> None:
        if sigma <= 0:
            raise InputError(f'BlurFrames: sigma is {sigma}. Expected more than 0: a share of the width such as 0.02.')
        self.sigma = sigma

    def transform(self, results: dict) -> dict:
        check_keys(self, results, imgs='DecodeFrames')
        return dict(results, imgs=np.stack([cv2.GaussianBlur(frame, (0, 0), self.sigma * frame.shape[1])
                                            for frame in results['imgs']]))
