"""Bringing frames to the size that the model sees."""
import numpy as np
import torch
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform
from torchvision.transforms.v2 import functional

from claip_emo_mm.datasets.transforms.needed_keys import check_keys


@TRANSFORMS.register_module()
class ResizeFrames(BaseTransform):
    """Resize frames to a square, without keeping their aspect ratio (reference recipe).

    Bilinear with antialiasing, equal to Pillow's within one step of brightness, and the same in training and test. The
    antialiasing matters where frames shrink to less than half; a kernel of torchvision for uint8 makes it as fast as
    OpenCV's bilinear without.

    Reads and replaces `imgs`, frames (H, W, 3) uint8 -> (U, size, size, 3), and `img_shape`.

    Args:
        size: height and width, pixels.
    """

    def __init__(self, size: int) -> None:
        self.size = size

    def transform(self, results: dict) -> dict:
        check_keys(self, results, imgs='DecodeFrames')
        frames = results['imgs']
        if isinstance(frames, np.ndarray):
            resized = self._resize(frames)
        else:
            resized = np.concatenate([self._resize(frame[None]) for frame in frames])
        return dict(results, imgs=resized, img_shape=(self.size, self.size))

    def _resize(self, frames: np.ndarray) -> np.ndarray:
        pixels = torch.from_numpy(frames).permute(0, 3, 1, 2)  # (U, 3, H, W), colours beside each other in memory
        resized = functional.resize(pixels, [self.size, self.size], antialias=True)
        return resized.permute(0, 2, 3, 1).numpy()
