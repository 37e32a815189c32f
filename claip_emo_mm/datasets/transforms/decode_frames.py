"""Reading the pictures of a clip."""
import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from claip_emo_mm.datasets.left_out import LEFT_OUT
from claip_emo_mm.datasets.transforms.needed_keys import check_keys
from claip_emo_mm.errors import InputError

_BLANK_SIDE = 64  # pixels of the frame that stands for no picture


@TRANSFORMS.register_module()
class DecodeFrames(BaseTransform):
    """Read the distinct frames of the views.

    Reads `clip` and `frame_inds` (U,). Adds `imgs`, (U, H, W, 3) uint8 RGB (a list of (H, W, 3) where a folder's images
    differ in size), and `img_shape` (H, W) of the first, as MMAction2's transforms expect them.

    Args:
        on_missing: what to do with a clip without picture, a sound file: 'error', or 'leave_out'. It then has one black
            frame, which the transforms behind can work on and `PackAudioVisualInputs` takes out, `frame_index` is -1
            and `picture_missing` true.

    Raises:
        InputError: a frame cannot be decoded, or there is none.
    """

    def __init__(self, on_missing: str = 'error') -> None:
        if on_missing not in ('error', 'leave_out'):
            raise InputError(f"DecodeFrames: on_missing is {on_missing!r}. Expected 'error' or 'leave_out'.")
        self.on_missing = on_missing

    def transform(self, results: dict) -> dict:
        check_keys(self, results, clip='OpenAudioVisualClip', frame_inds='SampleFrameViews')
        clip = results['clip']
        if clip.has_frames:
            frames = clip.decode(results['frame_inds'])
            return dict(results, imgs=frames, img_shape=frames[0].shape[:2])
        if self.on_missing == 'error':
            raise InputError(f"{clip.path}: a sound file has no frames. Take DecodeFrames out of the pipeline of a "
                             "model without picture, or set on_missing='leave_out' in it, for a model of both.")
        blank = np.zeros((1, _BLANK_SIDE, _BLANK_SIDE, 3), np.uint8)
        return dict(results, imgs=blank, img_shape=blank.shape[1:3], picture_missing=True,
                    frame_index=np.full_like(results['frame_index'], LEFT_OUT))
