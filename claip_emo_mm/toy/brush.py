"""Anti-aliased drawing in units that are independent of the frame's size."""
from collections.abc import Sequence

import cv2
import numpy as np

PLAN = 224  # side of the face plan: every length in face.py is in 1/224 of the frame's side

RGB = tuple[int, int, int]
Point = tuple[float, float]

_T = np.linspace(0, 1, 13)
_BERNSTEIN = np.stack([(1 - _T) ** 2, 2 * _T * (1 - _T), _T ** 2], 1)  # (13, 3) weights of a quadratic Bézier curve
_SHIFT = 4  # cv2 takes coordinates in 1/16 pixel


class Brush:
    """Draws on an image (side, side[, 3]) uint8 in place, in plan units from the center, x right, y down."""

    def __init__(self, image: np.ndarray) -> None:
        self.image = image
        self.unit = image.shape[0] / PLAN  # pixels per plan unit
        self._center = image.shape[0] / 2 - .5

    def ellipse(self, center: Point, axes: Point, color: Sequence[float], width: float | None = None) -> None:
        """Draw an ellipse with half axes `axes`, filled unless a line `width` is given."""
        x, y = self._fixed(center).tolist()
        half = tuple(max(8, round(a * self.unit * 2 ** _SHIFT)) for a in axes)
        thickness = cv2.FILLED if width is None else self._thickness(width)
        cv2.ellipse(self.image, (x, y), half, 0, 0, 360, _scalar(color), thickness, cv2.LINE_AA, _SHIFT)

    def polygon(self, points: np.ndarray | Sequence[Point], color: Sequence[float]) -> None:
        cv2.fillPoly(self.image, [self._fixed(points)], _scalar(color), cv2.LINE_AA, _SHIFT)

    def box(self, left: float, top: float, right: float, bottom: float, color: Sequence[float]) -> None:
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], color)

    def stroke(self, points: np.ndarray | Sequence[Point], color: Sequence[float], width: float) -> None:
        cv2.polylines(self.image, [self._fixed(points)], False, _scalar(color), self._thickness(width), cv2.LINE_AA,
                      _SHIFT)

    def _fixed(self, points: np.ndarray | Sequence[Point] | Point) -> np.ndarray:
        pixels = np.asarray(points, float) * self.unit + self._center
        return np.rint(pixels * 2 ** _SHIFT).astype(np.int32)

    def _thickness(self, width: float) -> int:
        return max(1, round(width * self.unit))


def curve(start: Point, control: Point, end: Point) -> np.ndarray:
    """Return (13, 2) points of the quadratic Bézier curve from `start` to `end`."""
    return _BERNSTEIN @ np.array((start, control, end))


def _scalar(color: Sequence[float]) -> tuple[int, ...]:
    return tuple(int(min(255, max(0, value))) for value in color)
