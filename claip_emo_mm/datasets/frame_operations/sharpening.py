"""Sharpening or blurring the frames of a clip."""
import cv2
import numpy as np
from PIL import Image

_SMOOTH = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]], np.float32) / 13  # Pillow's ImageFilter.SMOOTH


def sharpen(frames: np.ndarray, factor: float) -> np.ndarray:
    """Scale the distance to a smoothed copy, as `ImageEnhance.Sharpness` does; the outermost pixels stay.

    Args:
        frames: (U, H, W, 3) uint8.
        factor: 0 for the smoothed copy, 1 for no change, more for sharper.
    Returns: (U, H, W, 3) uint8.
    """
    sharpened = np.empty_like(frames)
    for frame, out in zip(frames, sharpened, strict=True):
        smooth = frame.copy()
        smooth[1:-1, 1:-1] = cv2.filter2D(frame, -1, _SMOOTH)[1:-1, 1:-1]
        out[:] = np.asarray(Image.blend(Image.fromarray(smooth), Image.fromarray(frame), factor))
    return sharpened
