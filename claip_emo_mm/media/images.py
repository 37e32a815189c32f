"""Decoded frames as arrays, upright."""
import av
import numpy as np
from av.video.reformatter import VideoReformatter


class ToImage:
    """Converts decoded frames to (H, W, 3) uint8 RGB, turned as their display matrix says.

    FFmpeg's converter is kept from frame to frame: making it takes 20 times as long as using it.

    Args:
        largest_side: larger frames are made this small, in pixels; None for none.
    """

    def __init__(self, largest_side: int | None = None) -> None:
        self._largest_side = largest_side
        self._convert = VideoReformatter().reformat

    def __call__(self, frame: av.VideoFrame) -> np.ndarray:
        shrink = min(1, (self._largest_side or np.inf) / max(frame.width, frame.height))
        size = [max(1, round(side * shrink)) for side in (frame.width, frame.height)]
        image = self._convert(frame, *size, format='rgb24').to_ndarray()
        turns = round(frame.rotation / 90) % 4  # counter-clockwise
        return np.ascontiguousarray(np.rot90(image, turns)) if turns else image
