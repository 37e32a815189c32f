"""Frames with something in front of the face."""
import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from claip_emo_mm.datasets.corruptions.clip_draws import clip_generator
from claip_emo_mm.datasets.transforms.needed_keys import check_keys
from claip_emo_mm.errors import InputError
from claip_emo_mm.utils import check_whole


@TRANSFORMS.register_module()
class OccludeFrames(BaseTransform):
    """Cover the same part of all frames with a grey rectangle of their proportions, at a place drawn for the clip.

    Reads and replaces `imgs`, (U, H, W, 3) uint8. Put it behind ResizeFrames.

    Args:
        share: of the frames' area, 0 to 1.
        seed: of the place, which is a clip's own.
    Raises:
        InputError: `share` is not between 0 and 1.
    """

    def __init__(self, share: float, seed: int = 0) -> None:
        if not 0 < share <= 1:
            raise InputError(f'OccludeFrames: share is {share}. Expected a share of the area, above 0 and up to 1.')
        self.share = share
        check_whole(self, least=0, seed=seed)
        self.seed = seed

    def transform(self, results: dict) -> dict:
        check_keys(self, results, imgs='DecodeFrames')
        frames = np.array(results['imgs'])
        sizes = [round(side * self.share ** .5) for side in frames.shape[1:3]]
        generator = clip_generator(results, self.seed)
        top, left = (generator.integers(side - size + 1) for side, size in zip(frames.shape[1:3], sizes, strict=True))
        frames[:, top:top + sizes[0], left:left + sizes[1]] = 128
        return dict(results, imgs=frames)
