"""Reading the pictures of a clip."""
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from claip_emo_mm.datasets.transforms.needed_keys import check_keys


@TRANSFORMS.register_module()
class DecodeFrames(BaseTransform):
    """Read the distinct frames of the views.

    Reads `clip` and `frame_inds` (U,). Adds `imgs`, (U, H, W, 3) uint8 RGB (a list of (H, W, 3) where a folder's images
    differ in size), and `img_shape` (H, W) of the first, as MMAction2's transforms expect them.

    Raises:
        InputError: a frame cannot be decoded.
    """

    def transform(self, results: dict) -> dict:
        check_keys(self, results, clip='OpenAudioVisualClip', frame_inds='SampleFrameViews')
        frames = results['clip'].decode(results['frame_inds'])
        return dict(results, imgs=frames, img_shape=frames[0].shape[:2])
