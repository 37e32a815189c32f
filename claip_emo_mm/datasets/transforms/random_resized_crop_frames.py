"""Cutting a random part out of the frames."""
from collections.abc import Sequence

import cv2
import numpy as np
import torch
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform
from torchvision.transforms import RandomResizedCrop

from claip_emo_mm.datasets.transforms.needed_keys import check_keys
from claip_emo_mm.errors import InputError
from claip_emo_mm.utils import check_whole


@TRANSFORMS.register_module()
class RandomResizedCropFrames(BaseTransform):
    """Cut the same random part out of all frames of a clip and resize it to a square; for training only.

    torchvision draws the part (`RandomResizedCrop.get_params`). It is enlarged bilinearly, as in the reference recipe;
    where it is larger than `size`, neighbouring pixels are not averaged, which nothing needs that comes after
    `ResizeFrames(size)`. Of frames of different sizes, each gives the same share.

    Reads and replaces `imgs`, frames (H, W, 3) uint8 -> (U, size, size, 3), and `img_shape`.

    Args:
        size: height and width, pixels.
        scale: least and largest share of the area.
        ratio: least and largest width / height.

    Raises:
        InputError: `size` is no whole number above 0, or `scale` or `ratio` is not two ascending numbers above 0.
    """

    def __init__(self, size: int, scale: Sequence[float] = (0.08, 1.0), ratio: Sequence[float] = (0.75, 1.333)) -> None:
        check_whole(self, size=size)
        for name, bounds in (('scale', scale), ('ratio', ratio)):
            if len(bounds) != 2 or not 0 < bounds[0] <= bounds[1]:
                raise InputError(f'RandomResizedCropFrames: {name} is {bounds}. Expected two ascending numbers above '
                                 '0, such as 0.5, 1.')
        self.size = size
        self.scale = list(scale)
        self.ratio = list(ratio)

    def transform(self, results: dict) -> dict:
        check_keys(self, results, imgs='DecodeFrames')
        frames = results['imgs']
        height, width = frames[0].shape[:2]
        part = RandomResizedCrop.get_params(torch.empty(1, height, width, device='meta'), self.scale, self.ratio)
        shares = np.array(part) / (height, width, height, width)  # top, left, height, width
        cut = np.empty((len(frames), self.size, self.size, 3), np.uint8)
        for frame, out in zip(frames, cut, strict=True):
            cv2.resize(self._cut(frame, shares), (self.size, self.size), dst=out)
        return dict(results, imgs=cut, img_shape=(self.size, self.size))

    def _cut(self, frame: np.ndarray, shares: np.ndarray) -> np.ndarray:
        top, left, height, width = np.rint(shares * (frame.shape[:2] * 2)).astype(int)
        return frame[top:top + max(height, 1), left:left + max(width, 1)]
