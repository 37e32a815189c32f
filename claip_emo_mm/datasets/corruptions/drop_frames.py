"""Frames that got lost."""
import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from claip_emo_mm.datasets.corruptions.clip_draws import clip_generator
from claip_emo_mm.datasets.transforms.needed_keys import check_keys
from claip_emo_mm.errors import InputError
from claip_emo_mm.utils import check_whole


@TRANSFORMS.register_module()
class DropFrames(BaseTransform):
    """Lose a share of the sampled frames; the last one before each is seen again, as a player shows it.

    Reads and replaces `frame_inds` (U,) and `frame_index` (V, T). The first frame stays. Put it behind
    SampleFrameViews.

    Args:
        share: of the distinct frames, 0 to 1; rounded to whole frames.
        seed: of the choice, which is a clip's own.
    Raises:
        InputError: `share` is not between 0 and 1.
    """

    def __init__(self, share: float, seed: int = 0) -> None:
        if not 0 < share <= 1:
            raise InputError(f'DropFrames: share is {share}. Expected a share of the frames, above 0 and up to 1.')
        self.share = share
        check_whole(self, least=0, seed=seed)
        self.seed = seed

    def transform(self, results: dict) -> dict:
        check_keys(self, results, frame_inds='SampleFrameViews', frame_index='SampleFrameViews')
        frames = results['frame_inds']
        kept = np.ones(len(frames), bool)
        lost = round(self.share * (len(frames) - 1))
        kept[1 + clip_generator(results, self.seed).choice(len(frames) - 1, lost, replace=False)] = False
        seen = np.cumsum(kept) - 1  # (U,) number among the kept ones
        return dict(results, frame_inds=frames[kept], frame_index=seen[results['frame_index']])
