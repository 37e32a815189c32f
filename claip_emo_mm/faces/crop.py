"""Square face crops, and how much of a frame a face takes."""
from collections.abc import Iterable, Sequence

import cv2
import numpy as np

from claip_emo_mm.faces.detector import FaceBox, FaceDetector

CROP_SIZE = 256  # pixels: room for random crops of 224


def crop_face(frame: np.ndarray, square: np.ndarray, size: int = CROP_SIZE) -> np.ndarray:
    """Cut a square out of a frame, to a fraction of a pixel, so that a slowly moving square does not jump.

    Args:
        frame: (H, W, 3) uint8.
        square: (3,) center x, center y and side in pixels; pixel i reaches from i to i + 1.
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


FACE_RATIO = .48  # of the frame's side, at least, where frames are faces already

_SQUARE = .8  # shorter side by longer side, at least


def face_ratio(frames: Sequence[np.ndarray], finder: FaceDetector) -> float | None:
    """Measure how much of a clip's frames the largest face takes.

    Measured on one portrait (.39 as a whole): square crops of .6, 1, 1.3, 1.5, 1.8 times the face give 1.03, .84, .63,
    .54, .47; crops of our own from two videos .66 and .70.

    Args:
        frames: some (H, W, 3) uint8 RGB frames of the clip.
    Returns: the median over the frames with a face of the root of (area of the face / area of the frame); 0 where the
        frames are not about square, as crops of faces are; None if no face is found.
    """
    ratios = []
    for frame in frames:
        boxes = finder.find(frame)
        if boxes:
            ratios.append(max(box_ratio(frame, box) for box in boxes))
    return float(np.median(ratios)) if ratios else None


def box_ratio(frame: np.ndarray, box: FaceBox) -> float:
    """Root of (area of the face / area of the frame); 0 where the frame is not about square."""
    height, width = frame.shape[:2]
    is_square = min(height, width) >= _SQUARE * max(height, width)
    return is_square * float(np.sqrt(box.width * box.height / (height * width)))


def ratio_of_face_frames(ratios: Iterable[float | None]) -> float | None:
    """Return which part of the clips (those with a face) shows a face and little else; None if no clip has a face."""
    known = [ratio for ratio in ratios if ratio is not None]
    return sum(ratio >= FACE_RATIO for ratio in known) / len(known) if known else None
