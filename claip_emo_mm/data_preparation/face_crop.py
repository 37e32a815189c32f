"""The square picture of a face."""
import cv2
import numpy as np

CROP_SIZE = 256  # pixels: room for random crops of 224


def crop_face(frame: np.ndarray, square: np.ndarray, size: int = CROP_SIZE) -> np.ndarray:
    """Cut a square out of a frame, to a fraction of a pixel, so that a slowly moving square does not jump.

    Args:
        frame: (H, W, 3) uint8.
        square: (3,) centre x, centre y and side in pixels; pixel i reaches from i to i + 1.
        size: side of the result in pixels.
    Returns: (size, size, 3) uint8; black where the square leaves the frame.
    """
    center_x, center_y, side = map(float, square)
    height, width = frame.shape[:2]
    across = down = 1.
    if side > size:  # average over the pixels that become one; a warp would only pick some of them
        shrink = size / side
        frame = cv2.resize(frame, (max(1, round(width * shrink)), max(1, round(height * shrink))),
                           interpolation=cv2.INTER_AREA)
        across, down = frame.shape[1] / width, frame.shape[0] / height
    scale_x, scale_y = size / (side * across), size / (side * down)
    left, top = (center_x - side / 2) * across, (center_y - side / 2) * down
    matrix = np.array([[scale_x, 0, (.5 - left) * scale_x - .5], [0, scale_y, (.5 - top) * scale_y - .5]])
    return cv2.warpAffine(frame, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
