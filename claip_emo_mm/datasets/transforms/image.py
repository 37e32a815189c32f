"""Resizing, flipping, cropping and erasing of frames."""
from collections.abc import Sequence

import cv2
import numpy as np
import torch
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform
from PIL import Image

from claip_emo_mm.datasets.transforms.loading import check_keys
from claip_emo_mm.errors import InputError, check_ratio, check_whole
from claip_emo_mm.media.video import stack_frames

# ImageNet's, as in AudioVisualDataPreprocessor: 0..255, RGB
_MEAN = (123.675, 116.28, 103.53)
_STD = (58.395, 57.12, 57.375)


@TRANSFORMS.register_module()
class ResizeFrames(BaseTransform):
    """Resize frames to a square, without keeping their aspect ratio (reference recipe); bilinear with antialiasing.

    torchvision's kernel for uint8 leaves 0.3 % of the values one step off Pillow's, which takes 4 times as long.

    Reads and replaces `imgs`, frames (H, W, 3) uint8 -> (U, size, size, 3), and `img_shape`.

    Args:
        size: height and width, pixels.
        exact: use Pillow.
    """

    def __init__(self, size: int, exact: bool = False) -> None:
        check_whole(self, size=size)
        self.size = size
        self.exact = exact
        from torchvision.transforms.v2 import functional  # with all of torchvision, before workers are forked
        self._resize_tensor = functional.resize

    def transform(self, results: dict) -> dict:
        check_keys(self, results, imgs='DecodeFrames')
        frames = results['imgs']
        if self.exact:
            size = (self.size, self.size)
            resized = np.stack([np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BILINEAR))
                                for frame in frames])
        elif isinstance(frames, np.ndarray):
            resized = self._resize(frames)
        else:
            resized = np.concatenate([self._resize(frame[None]) for frame in frames])
        return dict(results, imgs=resized, img_shape=(self.size, self.size))

    def _resize(self, frames: np.ndarray) -> np.ndarray:
        pixels = torch.from_numpy(frames).permute(0, 3, 1, 2)  # (U, 3, H, W), colors beside each other in memory
        resized = self._resize_tensor(pixels, [self.size, self.size], antialias=True)
        return resized.permute(0, 2, 3, 1).numpy()


@TRANSFORMS.register_module()
class RandomFlipFrames(BaseTransform):
    """Mirror all frames of a clip left to right, or none; for training only.

    Reads and replaces `imgs`, frames (H, W, 3) uint8.

    Args:
        prob: of mirroring; must be in [0, 1].
    """

    def __init__(self, prob: float = 0.5) -> None:
        check_ratio(self, prob=prob)
        self.prob = prob

    def transform(self, results: dict) -> dict:
        check_keys(self, results, imgs='DecodeFrames')
        if np.random.random() >= self.prob:
            return dict(results)
        return dict(results, imgs=stack_frames(cv2.flip(frame, 1) for frame in results['imgs']))


@TRANSFORMS.register_module()
class RandomResizedCropFrames(BaseTransform):
    """Crop the same random region of all frames of a clip and resize it to a square; for training only.

    torchvision samples the region (`RandomResizedCrop.get_params`). It is resized bilinearly, as in the reference
    recipe, without antialiasing, which is not needed behind `ResizeFrames(size)`. Frames of different sizes are cropped
    by the same ratios.

    Reads and replaces `imgs`, frames (H, W, 3) uint8 -> (U, size, size, 3), and `img_shape`.

    Args:
        size: height and width, pixels.
        scale: least and largest ratio of the area; two ascending numbers above 0.
        ratio: least and largest width / height; likewise.
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
        from torchvision.transforms import RandomResizedCrop
        self._sample_region = RandomResizedCrop.get_params

    def transform(self, results: dict) -> dict:
        check_keys(self, results, imgs='DecodeFrames')
        frames = results['imgs']
        height, width = frames[0].shape[:2]
        region = self._sample_region(torch.empty(1, height, width, device='meta'), self.scale, self.ratio)
        ratios = np.array(region) / (height, width, height, width)  # top, left, height, width
        cropped = np.empty((len(frames), self.size, self.size, 3), np.uint8)
        for frame, out in zip(frames, cropped, strict=True):
            top, left, height, width = np.rint(ratios * (frame.shape[:2] * 2)).astype(int)
            crop = frame[top:top + max(height, 1), left:left + max(width, 1)]
            cv2.resize(crop, (self.size, self.size), dst=out)
        return dict(results, imgs=cropped, img_shape=(self.size, self.size))


@TRANSFORMS.register_module()
class RandomEraseFrames(BaseTransform):
    """Random erasing (arXiv 1708.04896) with noise, the same rectangle in all frames; for training only.

    timm samples the rectangle: 2 % to a third of the area, its sides' ratio between 0.3 and 1 / 0.3. The reference
    recipe erases after normalization, with noise of N(0, 1); frames here are normalized later, on the device, so the
    noise, of its own for every frame, is scaled by the same mean and standard deviation and clipped to 0..255.

    Reads and replaces `imgs`, (U, H, W, 3) uint8.

    Args:
        prob: of erasing; must be in [0, 1].
        mean, std: of each color, 0..255; the same as in the data preprocessor.
    """

    def __init__(self, prob: float = 0.25, mean: Sequence[float] = _MEAN, std: Sequence[float] = _STD) -> None:
        check_ratio(self, prob=prob)
        self.prob = prob
        from timm.data.random_erasing import RandomErasing  # with all of timm
        self._erase = RandomErasing(prob, mode='const', device='cpu')
        self._mean, self._std = torch.tensor(mean), torch.tensor(std)

    def transform(self, results: dict) -> dict:
        check_keys(self, results, imgs='DecodeFrames')
        frames = results['imgs']
        if not isinstance(frames, np.ndarray):
            raise InputError('RandomEraseFrames: the frames of a clip have different sizes. Put ResizeFrames or '
                             'RandomResizedCropFrames before it in the pipeline.')
        kept = self._erase(torch.ones(1, *frames.shape[1:3]))[0].bool().numpy()  # (H, W), false in the rectangle
        rows, columns = np.flatnonzero(~kept.all(axis=1)), np.flatnonzero(~kept.all(axis=0))
        if not len(rows):
            return dict(results)
        box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        erased = frames.copy()
        noise = torch.randn(len(frames), len(rows), len(columns) * 3)  # long rows are fast
        noise.mul_(self._std.repeat(len(columns))).add_(self._mean.repeat(len(columns)))
        erased[:, box[0], box[1]] = noise.round_().clamp_(0, 255).byte().view(len(frames), len(rows), -1, 3).numpy()
        return dict(results, imgs=erased)
