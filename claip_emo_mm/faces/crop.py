"""Square face crops, and the ratio of a frame that a face takes."""
from collections.abc import Iterable, Sequence

import cv2
import numpy as np

from claip_emo_mm.faces.detector import FaceBox, FaceDetector
from claip_emo_mm.media.video import shrink

CROP_SIZE = 256  # pixels: room for random crops of 224
FACE_RATIO = .48  # of the frame's side, at least, where frames are face crops already
_SQUARE = .8  # shorter side by longer side, at least


def crop_face(frame: np.ndarray, square: np.ndarray, size: int = CROP_SIZE) -> np.ndarray:
    """Crop a square (center x, center y, side in pixels) with subpixel precision, so that a slow one does not jump."""
    center_x, center_y, side = map(float, square)
    height, width = frame.shape[:2]
    frame = shrink(frame, size / side)  # a warp alone would only pick some of the pixels
    across, down = frame.shape[1] / width, frame.shape[0] / height
    scale_x, scale_y = size / (side * across), size / (side * down)
    left, top = (center_x - side / 2) * across, (center_y - side / 2) * down
    matrix = np.array([[scale_x, 0, (.5 - left) * scale_x - .5], [0, scale_y, (.5 - top) * scale_y - .5]])
    return cv2.warpAffine(frame, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)


def face_ratio(frames: Sequence[np.ndarray], detector: FaceDetector) -> float | None:
    """Median of `box_ratio` of the largest face over some frames of a clip; None if no face is found.

    On one portrait (.39 as a whole), square crops of .6, 1, 1.3, 1.5, 1.8 times the face give 1.03, .84, .63, .54, .47;
    crops of our own from two videos .66 and .70.
    """
    detected = [(frame, detector.find(frame)) for frame in frames]
    ratios = [max(box_ratio(frame, box) for box in boxes) for frame, boxes in detected if boxes]
    return float(np.median(ratios)) if ratios else None


def box_ratio(frame: np.ndarray, box: FaceBox) -> float:
    """Root of (area of the face / area of the frame); 0 where the frame is not about square, as face crops are."""
    height, width = frame.shape[:2]
    is_square = min(height, width) >= _SQUARE * max(height, width)
    return is_square * float(np.sqrt(box.width * box.height / (height * width)))


def ratio_of_face_frames(ratios: Iterable[float | None]) -> float | None:
    """Ratio of the clips with a face that show a face and little else; None if no clip has a face."""
    known = [ratio for ratio in ratios if ratio is not None]
    return sum(ratio >= FACE_RATIO for ratio in known) / len(known) if known else None
