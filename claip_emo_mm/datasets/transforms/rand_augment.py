"""RandAugment of frames."""
import re
from collections.abc import Sequence
from functools import partial

import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform
from PIL import Image

from claip_emo_mm.datasets.transforms.image_ops import OPERATIONS
from claip_emo_mm.datasets.transforms.loading import check_keys
from claip_emo_mm.errors import InputError

_SPEC = re.compile(r'rand(-(m\d+|n\d+|p[\d.]+|mstd[\d.]+|mmax\d+|inc[01]))*')


@TRANSFORMS.register_module()
class RandAugmentFrames(BaseTransform):
    """RandAugment (arXiv 1909.13719), the same for all frames of a clip; for training only.

    timm samples the operations and their strengths, from the generators of `random` and `numpy.random`, as its own
    transform does. The operations equal Pillow's on each frame, but that shear, translation and rotation (bicubic),
    color and sharpness leave up to two values in a thousand one step off.

    Reads and replaces `imgs`, frames (H, W, 3) uint8.

    Args:
        spec: timm's description: m magnitude, n operations, p probability of each, mstd standard deviation of the
            magnitude, mmax its highest value, inc1 for operations that grow with it (default: reference recipe).
        fill: color of what comes from outside the frame.
    """

    def __init__(self, spec: str = 'rand-m7-n4-mstd0.5-inc1', fill: Sequence[int] = (128, 128, 128)) -> None:
        if not _SPEC.fullmatch(spec):
            raise InputError(f"RandAugmentFrames: spec is {spec!r}. Expected timm's format with m, n, p, mstd, mmax "
                             "and inc, such as 'rand-m7-n4-mstd0.5-inc1'.")
        from timm.data.auto_augment import rand_augment_transform  # with all of timm
        self.spec = spec
        self._augment = rand_augment_transform(spec, dict(interpolation=Image.Resampling.BICUBIC,
                                                          img_mean=tuple(fill)))
        for operation in self._augment.ops:
            operation.aug_fn = partial(_augment, operation.name)

    def transform(self, results: dict) -> dict:
        check_keys(self, results, imgs='DecodeFrames')
        return dict(results, imgs=self._augment(results['imgs']))


def _augment(name: str, frames: np.ndarray | Sequence[np.ndarray], *strength: float, fillcolor: Sequence[int],
             resample: Image.Resampling) -> np.ndarray | list[np.ndarray]:
    """The function that timm calls, with the frames of a clip in place of an image."""
    operation = OPERATIONS[name]
    if isinstance(frames, np.ndarray):
        return operation(np.ascontiguousarray(frames), *strength, fill=fillcolor)
    return [operation(frame[None], *strength, fill=fillcolor)[0] for frame in frames]  # of different sizes
