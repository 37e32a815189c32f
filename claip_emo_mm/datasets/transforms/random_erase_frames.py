"""Erasing a random rectangle of the frames."""
from collections.abc import Sequence

import numpy as np
import torch
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform
from timm.data.random_erasing import RandomErasing

from claip_emo_mm.datasets.transforms.needed_keys import check_keys
from claip_emo_mm.errors import InputError

# ImageNet's, as in AudioVisualDataPreprocessor: brightness 0..255, RGB
_MEAN = (123.675, 116.28, 103.53)
_STD = (58.395, 57.12, 57.375)


@TRANSFORMS.register_module()
class RandomEraseFrames(BaseTransform):
    """Overwrite a rectangle (arXiv 1708.04896) with noise, the same rectangle in all frames; for training only.

    timm draws the rectangle: 2 % to a third of the area, its sides' ratio between 0.3 and 1 / 0.3. Every frame has
    noise of its own. The reference recipe erases after normalisation, with noise of N(0, 1); frames here are normalised
    later, on the device, so the noise is drawn in normalised units and brought to brightness with the same mean and
    standard deviation. What leaves 0..255 is clipped: with ImageNet's figures, 3 % of the noise.

    Reads and replaces `imgs`, (U, H, W, 3) uint8.

    Args:
        probability: of erasing, 0..1.
        mean: of each colour, brightness 0..255; the same as in the data preprocessor.
        std: of each colour, likewise.

    Raises:
        InputError: `probability` is none, or the frames differ in size.
    """

    def __init__(self, probability: float = 0.25, mean: Sequence[float] = _MEAN, std: Sequence[float] = _STD) -> None:
        if not 0 <= probability <= 1:
            raise InputError(f'RandomEraseFrames: probability is {probability}. Expected 0..1.')
        self.probability = probability
        self._erase = RandomErasing(probability, mode='const', device='cpu')
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
        erased[:, box[0], box[1]] = self._noise(len(frames), len(rows), len(columns))
        return dict(results, imgs=erased)

    def _noise(self, num_frames: int, height: int, width: int) -> np.ndarray:
        """(U, h, w, 3) uint8."""
        noise = torch.randn(num_frames, height, width, 3)
        return noise.mul_(self._std).add_(self._mean).round_().clamp_(0, 255).byte().numpy()
