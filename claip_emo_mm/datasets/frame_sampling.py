"""Which frames of a clip the views show, and which part of its sound belongs to them: the reference recipe's rules."""
import numpy as np


def spread_frames(num_frames: int, clip_len: int, stride: int, end: int | None = None) -> np.ndarray:
    """Frames of a training view: `clip_len` of them, spread evenly over a window of `clip_len * stride` frames.

    A clip that is no longer than the window gives `num_frames // stride` frames spread over all of it, then repeats its
    last frame.

    Args:
        num_frames: frames of the clip.
        clip_len: T, frames of a view.
        stride: frames of the window for each frame of the view.
        end: the frame behind the window, `clip_len * stride` .. `num_frames`; without meaning for a short clip.

    Returns: (T,) int64 indices, ascending.
    """
    window = clip_len * stride
    if num_frames <= window:
        spread = np.linspace(0, num_frames, num=num_frames // stride)
        index = np.concatenate([spread, np.full(clip_len - len(spread), num_frames)])
        return np.clip(index, 0, num_frames - 1).astype(np.int64)
    return np.clip(np.linspace(end - window, end, num=clip_len), 0, end - 1).astype(np.int64)


def regular_frames(num_frames: int, clip_len: int, stride: int, num_views: int) -> np.ndarray:
    """Frames of the test views: windows of every `stride`-th frame, the first and the last one and evenly between.

    A single view is the middle one. A clip too short for one window repeats the last of its frames.

    Returns: (V, T) int64 indices, ascending in a view.
    """
    frames = np.arange(0, num_frames, stride)
    spare = max(len(frames) - clip_len, 0)
    starts = [spare // 2] if num_views == 1 else [view * spare // (num_views - 1) for view in range(num_views)]
    index = np.array(starts)[:, None] + np.arange(clip_len)  # (V, T)
    return frames[np.minimum(index, len(frames) - 1)]


def audio_span(start: int, end: int, num_frames: int) -> tuple[float, float]:
    """The part of the sound that belongs to the frames from `start` to before `end`, as fractions of its length.

    The last frame of the clip is where the sound ends; a clip of one frame has the empty span (0, 0).
    """
    last = num_frames - 1
    return start / max(last, 1), min(end, last) / max(last, 1)
