"""Sampling of frames: views of frame indices."""
import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from claip_emo_mm.datasets.transforms.loading import check_keys
from claip_emo_mm.errors import InputError, check_whole


def spread_frames(num_frames: int, clip_len: int, frame_interval: int, end: int | None = None) -> np.ndarray:
    """Frames (T,) int64 of a training view, spread evenly over a window of `clip_len * frame_interval` frames.

    A clip no longer than the window gives `num_frames // frame_interval` frames spread over all of it, then repeats its
    last frame. The window ends before the frame `end`, which a short clip ignores.
    """
    window = clip_len * frame_interval
    if num_frames <= window:
        spread = np.linspace(0, num_frames, num=num_frames // frame_interval)
        index = np.concatenate([spread, np.full(clip_len - len(spread), num_frames)])
        return np.clip(index, 0, num_frames - 1).astype(np.int64)
    return np.clip(np.linspace(end - window, end, num=clip_len), 0, end - 1).astype(np.int64)


def regular_frames(num_frames: int, clip_len: int, frame_interval: int, num_clips: int) -> np.ndarray:
    """Frames (V, T) int64 of the test views: evenly spaced windows of every `frame_interval`-th frame.

    A single view is the middle one. A clip too short for one window repeats the last of its frames.
    """
    frames = np.arange(0, num_frames, frame_interval)
    spare = max(len(frames) - clip_len, 0)
    starts = [spare // 2] if num_clips == 1 else [view * spare // (num_clips - 1) for view in range(num_clips)]
    index = np.array(starts)[:, None] + np.arange(clip_len)  # (V, T)
    return frames[np.minimum(index, len(frames) - 1)]


def audio_span(start: int, end: int, num_frames: int) -> tuple[float, float]:
    """Span of the audio of the frames from `start` to before `end`, as fractions of the last frame's number."""
    last = num_frames - 1
    return start / max(last, 1), min(end, last) / max(last, 1)


@TRANSFORMS.register_module()
class SampleFrameViews(BaseTransform):
    """Sample the frames of each view; each distinct frame is decoded once.

    Reads `total_frames`. Adds `frame_inds` (U,), the distinct frames, ascending; `frame_index` (V, T), positions in
    them; and `audio_spans` (V, 2), the span of the audio of each view, as fractions of its length.

    In training a view is a random window, its frames spread evenly; the window ends before the last frame (reference
    recipe). In test mode the views are fixed windows of every `frame_interval`-th frame, from the first to the last.
    (The reference counts 4 test views, but each pair has the same pixels: `num_clips=2` gives the same scores.)

    Args:
        clip_len: T, frames of a view.
        frame_interval: frames of the clip for each frame of a view.
        num_clips: V.
        test_mode: fixed windows instead of random ones.
    """

    def __init__(self, clip_len: int = 16, frame_interval: int = 4, num_clips: int = 1,
                 test_mode: bool = False) -> None:
        check_whole(self, clip_len=clip_len, frame_interval=frame_interval, num_clips=num_clips)
        self.clip_len = clip_len
        self.frame_interval = frame_interval
        self.num_clips = num_clips
        self.test_mode = test_mode

    def transform(self, results: dict) -> dict:
        check_keys(self, results, total_frames='OpenAudioVisualClip')
        num_frames = results['total_frames']
        if self.test_mode:
            frames = regular_frames(num_frames, self.clip_len, self.frame_interval, self.num_clips)
            spans = [audio_span(view[0], view[-1] + self.frame_interval, num_frames) for view in frames]
        else:
            frames, spans = zip(*(self._random_view(num_frames) for _ in range(self.num_clips)), strict=True)
        distinct, index = np.unique(np.stack(frames), return_inverse=True)
        return dict(results, frame_inds=distinct, frame_index=index.reshape(self.num_clips, self.clip_len),
                    audio_spans=np.array(spans, dtype=np.float64))

    def _random_view(self, num_frames: int) -> tuple[np.ndarray, tuple[float, float]]:
        window = self.clip_len * self.frame_interval
        end = num_frames if num_frames <= window else np.random.randint(window, num_frames)
        frames = spread_frames(num_frames, self.clip_len, self.frame_interval, end)
        return frames, audio_span(max(end - window, 0), end, num_frames)


@TRANSFORMS.register_module()
class GatherViews(BaseTransform):
    """Expand distinct frames or audio windows to views under MMAction2's keys, for its recognizers.

    It is followed by MMAction2's `FormatShape` (for audio `FormatAudioShape('NCTF')`) and `PackActionInputs`.

    Frames: reads `imgs`, U frames (H, W, 3), and `frame_index` (V, T); replaces `imgs` by a list of V*T frames, and
    adds `num_clips` V and `clip_len` T. Audio: reads `mel` (A, 1, M, F) and `audio_index` (V,); replaces `audios` by
    (V, M, F) float32.
    """

    def transform(self, results: dict) -> dict:
        found = [key for key in ('imgs', 'mel') if key in results]
        if len(found) != 1:
            raise InputError(f'GatherViews: the sample has {" and ".join(found) or "neither imgs nor mel"}; expected '
                             'one of the two. Put DecodeFrames or LogMel before it, or use PackAudioVisualInputs.')
        if 'mel' in results:
            check_keys(self, results, audio_index='LoadAudioWindows')
            return dict(results, audios=results['mel'][:, 0].numpy()[results['audio_index']])
        check_keys(self, results, frame_index='SampleFrameViews')
        num_clips, num_frames = np.shape(results['frame_index'])
        images = [results['imgs'][index] for index in np.ravel(results['frame_index'])]
        return dict(results, imgs=images, num_clips=num_clips, clip_len=num_frames)
