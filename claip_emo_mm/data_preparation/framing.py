"""Whether pictures show a face and little else, or scenes in which the face must be found first."""
from collections.abc import Iterable, Sequence

import numpy as np

from claip_emo_mm.apis.face_finder import FaceBox, FaceFinder

FACE_SHARE = .48  # of the picture's side, at least, where pictures are faces already

_SQUARE = .8  # shorter side by longer side, at least


def face_share(frames: Sequence[np.ndarray], finder: FaceFinder) -> float | None:
    """Measure how much of a clip's pictures the largest face takes.

    Measured on one portrait (.39 as a whole): square crops of .6, 1, 1.3, 1.5, 1.8 times the face give 1.03, .84, .63,
    .54, .47; crops of our own from two videos .66 and .70.

    Args:
        frames: some (H, W, 3) uint8 RGB frames of the clip.
    Returns: the median over the frames with a face of the root of (area of the face / area of the frame); 0 where the
        frames are not about square, as crops of faces are; None if no face is found.
    """
    shares = []
    for frame in frames:
        boxes = finder.find(frame)
        if boxes:
            shares.append(max(box_share(frame, box) for box in boxes))
    return float(np.median(shares)) if shares else None


def box_share(frame: np.ndarray, box: FaceBox) -> float:
    """Root of (area of the face / area of the frame); 0 where the frame is not about square."""
    height, width = frame.shape[:2]
    is_square = min(height, width) >= _SQUARE * max(height, width)
    return is_square * float(np.sqrt(box.width * box.height / (height * width)))


def share_of_face_pictures(shares: Iterable[float | None]) -> float | None:
    """Return which part of the clips (those with a face) shows a face and little else; None if no clip has a face."""
    known = [share for share in shares if share is not None]
    return sum(share >= FACE_SHARE for share in known) / len(known) if known else None
