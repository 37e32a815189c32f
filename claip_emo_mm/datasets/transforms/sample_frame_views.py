"""Choosing the frames of a clip's views."""
import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from claip_emo_mm.datasets.frame_sampling import audio_span, regular_frames, spread_frames
from claip_emo_mm.datasets.transforms.needed_keys import check_keys
from claip_emo_mm.utils import check_whole


@TRANSFORMS.register_module()
class SampleFrameViews(BaseTransform):
    """Choose the frames of each view, and name each distinct frame once.

    Reads `total_frames`. Adds `frame_inds` (U,), the distinct frames, ascending; `frame_index` (V, T), positions in
    them; and `audio_spans` (V, 2), the part of the sound that belongs to each view, as fractions of its length.

    In training a view is a random window, its frames spread evenly; the window ends before the last frame, as in the
    reference recipe. In test mode the views are fixed windows of every `stride`-th frame, from the first to the last.
    (The reference counts 4 test views, but two each show the same pixels: `num_views=2` gives the same scores.)

    Args:
        clip_len: T, frames of a view.
        stride: frames of the clip for each frame of a view.
        num_views: V.
        test_mode: fixed windows instead of random ones.

    Raises:
        InputError: a number is not whole, or below 1.
    """

    def __init__(self, clip_len: int = 16, stride: int = 4, num_views: int = 1, test_mode: bool = False) -> None:
        check_whole(self, clip_len=clip_len, stride=stride, num_views=num_views)
        self.clip_len = clip_len
        self.stride = stride
        self.num_views = num_views
        self.test_mode = test_mode

    def transform(self, results: dict) -> dict:
        check_keys(self, results, total_frames='OpenAudioVisualClip')
        num_frames = results['total_frames']
        if self.test_mode:
            frames = regular_frames(num_frames, self.clip_len, self.stride, self.num_views)
            spans = [audio_span(view[0], view[-1] + self.stride, num_frames) for view in frames]
        else:
            frames, spans = zip(*(self._random_view(num_frames) for _ in range(self.num_views)), strict=True)
        distinct, index = np.unique(np.stack(frames), return_inverse=True)
        return dict(results, frame_inds=distinct, frame_index=index.reshape(self.num_views, self.clip_len),
                    audio_spans=np.array(spans, dtype=np.float64))

    def _random_view(self, num_frames: int) -> tuple[np.ndarray, tuple[float, float]]:
        window = self.clip_len * self.stride
        end = num_frames if num_frames <= window else np.random.randint(window, num_frames)
        frames = spread_frames(num_frames, self.clip_len, self.stride, end)
        return frames, audio_span(max(end - window, 0), end, num_frames)
