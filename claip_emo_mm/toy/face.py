"""A drawn face whose expression is eight numbers, and the anti-aliased brush that draws it."""
import math
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from claip_emo_mm.toy.identities import RGB, FaceIdentity

_SUPERSAMPLE = 2
_ZOOM = 1.35  # the face fills the frame, as in the data sets' aligned faces
_SMALLEST_CANVAS = 256  # pixels; small frames are drawn larger, so that line widths keep their proportion
_WHITE, _MOUTH, _FRAME = (246, 246, 246), (70, 18, 30), (30, 30, 35)
_LIP = np.array([165., 45., 60.])
PLAN = 224  # side of the face plan: every length is in 1/224 of the frame's side

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


class FaceControls(NamedTuple):
    """The expression: eight controls in [-1, 1], 0 at rest."""
    brow_inner: float = 0.  # inner ends of the brows up (1) or down (-1)
    brow_outer: float = 0.
    lid: float = 0.  # eyes wide open (1) or narrow (-1)
    corner: float = 0.  # corners of the mouth up (1) or down (-1)
    open: float = 0.  # jaw dropped (1) or lips pressed (-1)
    wide: float = 0.  # mouth stretched (1) or contracted (-1)
    lip_up: float = 0.  # upper lip up (1) or down (-1)
    wrinkle: float = 0.  # nose wrinkled (1) or smooth (0 and below)

    @classmethod
    def sample(cls, rng: np.random.Generator) -> 'FaceControls':
        """Sample any expression, not only those of an emotion."""
        low = (-1., -.8, -.7, -1., -.3, -.6, -.4, -.3)
        high = (1., .8, .7, 1., .6, .6, .8, 1.1)
        return cls(*np.clip(rng.uniform(low, high), -1, 1).tolist())


class FaceCanvas:
    """Draws frames of one person, `size` pixels wide and high; what never moves is drawn once."""

    def __init__(self, identity: FaceIdentity, size: int = 160) -> None:
        self.identity = identity
        self.size = size
        self._base = _draw_base(identity, size * max(_SUPERSAMPLE, math.ceil(_SMALLEST_CANVAS / size)))

    def draw(self, controls: Sequence[float] | np.ndarray, talk: float = 0., blink: float = 0., dx: float = 0.,
             dy: float = 0., roll: float = 0.) -> np.ndarray:
        """Draw one frame (size, size, 3) uint8 RGB of (8,) FaceControls.

        `talk` opens the mouth and `blink` shuts the lids, 0 to 1; `dx` and `dy` shift the head right and down, as a
        fraction of the frame's side; `roll` tilts it, in degrees counterclockwise.
        """
        expression = FaceControls(*(float(value) for value in controls))
        brush = Brush(self._base.copy())
        _draw_eyes(brush, self.identity, expression, blink)
        _draw_nose(brush, self.identity, expression)
        _draw_mouth(brush, self.identity, expression, talk)
        edge = round(len(brush.image) * (1 - 1 / _ZOOM) / 2)
        face = brush.image[edge:-edge, edge:-edge]
        frame = cv2.resize(face, (self.size, self.size), interpolation=cv2.INTER_AREA)
        turn = cv2.getRotationMatrix2D((self.size / 2, self.size * .85), roll, 1)  # about the neck
        turn[:, 2] += (dx * self.size, dy * self.size)
        return cv2.warpAffine(frame, turn, (self.size, self.size), borderMode=cv2.BORDER_REPLICATE)


def _half_axes(identity: FaceIdentity) -> tuple[float, float]:
    return 62 * identity.face_width, 80 * identity.face_height


def _shade(identity: FaceIdentity, factor: float) -> np.ndarray:
    return np.array(identity.skin.rgb) * factor


def _mask(side: int, center: tuple[float, float], axes: tuple[float, float]) -> np.ndarray:
    """Return (side, side) float in 0..1 that is 1 inside an ellipse."""
    mask = np.zeros((side, side), np.uint8)
    Brush(mask).ellipse(center, axes, (255,))
    return mask / 255.


def _blend(image: np.ndarray, color: Sequence[float], weight: np.ndarray) -> None:
    """Mix `color` into image (side, side, 3) in place by weight (side, side) in 0..1."""
    image[:] = np.rint(image + (np.array(color, float) - image) * weight[..., None]).astype(np.uint8)


def _draw_base(identity: FaceIdentity, side: int) -> np.ndarray:
    """Draw background, shirt, neck, head, hair and beard: (side, side, 3) uint8 RGB."""
    light = np.linspace(1.1, .75, side)[:, None, None]  # the background darkens downwards
    image = np.clip(np.array(identity.background.rgb) * light, 0, 255).repeat(side, axis=1).astype(np.uint8)
    brush = Brush(image)
    half_width, half_height = _half_axes(identity)
    hair: RGB = identity.hair.rgb
    brush.ellipse((0, 132), (98, 62), identity.shirt.rgb)
    if identity.hair_style == 'long':
        brush.ellipse((0, -4), (half_width * 1.28, half_height * 1.12), hair)
        brush.box(-half_width * 1.28, 0, half_width * 1.28, half_height * .95, hair)
    elif identity.hair_style == 'curly':
        for angle in np.linspace(np.pi * .95, np.pi * 2.05, 13):
            curl = (half_width * 1.05 * math.cos(angle), -8 + half_height * .98 * math.sin(angle))
            brush.ellipse(curl, (17, 17), hair)
    brush.box(-24, half_height * .7, 24, half_height * 1.18, _shade(identity, .78))  # neck
    for sign in (-1, 1):
        brush.ellipse((sign * half_width * .98, 4), (9, 15), _shade(identity, .92))
    brush.ellipse((0, 0), (half_width, half_height), identity.skin.rgb)
    head = _mask(side, (0, 0), (half_width, half_height))
    side_light = _mask(side, (half_width * .35, half_height * .2), (half_width * .75, half_height * .8))
    _blend(image, _shade(identity, .93), .4 * head * side_light)
    if identity.beard:
        chin = _mask(side, (0, half_height * .52), (half_width * .86, half_height * .5))
        _blend(image, hair, .5 * head * chin)
    shift = 10 if identity.hair_style == 'parted' else 0
    scalp = _mask(side, (0, -half_height * .02), (half_width * 1.06, half_height * 1.06))
    forehead = _mask(side, (shift, half_height * .25), (half_width * 1.02, half_height * .88))
    scalp[int((.5 + 4 / 224) * side):] = 0
    _blend(image, hair, scalp * (1 - forehead))
    return image


def _draw_eyes(brush: Brush, identity: FaceIdentity, expression: FaceControls, blink: float) -> None:
    eye_y = -.1 * _half_axes(identity)[1]
    half_width = 13 * identity.eye_size
    half_height = max(.7, (7.2 + 4. * expression.lid) * identity.eye_size * (1 - blink))
    line = _shade(identity, .35)
    brow_color = np.minimum(np.array(identity.hair.rgb) * .8, _shade(identity, .45))  # dark on every skin
    inner, outer = expression.brow_inner, expression.brow_outer
    for sign in (-1, 1):
        x = sign * 27 * identity.eye_gap
        brush.ellipse((x, eye_y), (half_width, half_height), _WHITE)
        if half_height > 2:
            for radius, color in ((6.2, identity.iris), (3., (15, 15, 15))):
                brush.polygon(_disc_in_eye((x, eye_y), radius, half_width, half_height), color)
            brush.ellipse((x - 1.8, eye_y - min(2., half_height / 2)), (1.3, 1.3), (255, 255, 255))
        angle = np.linspace(0, np.pi, 14)
        brush.stroke(np.stack([x + half_width * np.cos(angle), eye_y - half_height * np.sin(angle)], 1), line, 1.8)
        brow_y = eye_y - 18
        brow = curve((x - sign * 14, brow_y - 9 * inner), (x, brow_y - 7 - 3 * (inner + outer)),
                     (x + sign * 15, brow_y + 3 - 9 * outer))
        brush.stroke(brow, brow_color, 4.2 * identity.brow)
        if inner < -.3:  # the crease between lowered brows
            brush.stroke([(sign * 4, eye_y - 24), (sign * 3, eye_y - 13)], _shade(identity, .62), -2 * inner)
        if identity.glasses:
            brush.ellipse((x, eye_y), (19, 16), _FRAME, 2)
    if inner > .3:  # the line across the forehead over raised brows
        brush.stroke(curve((-17, eye_y - 36), (0, eye_y - 40), (17, eye_y - 36)), _shade(identity, .7), 2 * inner)
    if identity.glasses:
        bridge = 27 * identity.eye_gap - 19
        brush.stroke([(-bridge, eye_y), (bridge, eye_y)], _FRAME, 2)


def _disc_in_eye(center: tuple[float, float], radius: float, half_width: float, half_height: float) -> np.ndarray:
    """Return (24, 2) outline of a disc as far as the lids leave it free."""
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    x = radius * np.cos(angle)
    lid = half_height * np.sqrt(1 - (x / half_width) ** 2)
    return np.stack([x, np.clip(radius * np.sin(angle), -lid, lid)], 1) + np.array(center)


def _draw_nose(brush: Brush, identity: FaceIdentity, expression: FaceControls) -> None:
    wrinkle = max(0., expression.wrinkle)
    eye_y = -.1 * _half_axes(identity)[1]
    half, wing_y = 8 * identity.nose, 20 - 3 * wrinkle
    brush.stroke(curve((-2, eye_y + 4), (-.9 * half, 16), (-half, wing_y)), _shade(identity, .78), 1.6)
    brush.stroke(curve((-half, wing_y), (0, wing_y + 6), (half, wing_y)), _shade(identity, .7), 2.2)
    if wrinkle > .1:
        for sign in (-1, 1):
            for y in (-1, 5):
                fold = curve((sign * 3, y - 3), (sign * 8, y - 2), (sign * 13, y + 4))
                brush.stroke(fold, _shade(identity, .6), .6 + 1.4 * wrinkle)


def _draw_mouth(brush: Brush, identity: FaceIdentity, expression: FaceControls, talk: float) -> None:
    corner = expression.corner
    mouth_y = .53 * _half_axes(identity)[1]
    half = (22 + 6 * expression.wide + 3 * max(corner, 0.)) * identity.mouth
    gap = max(0., 13 * expression.open + 11 * talk)
    left, right = (-half, mouth_y - 10 * corner), (half, mouth_y - 10 * corner)
    upper_y = mouth_y - 2 - 6 * expression.lip_up + 1.5 * corner - .45 * gap
    lower_y = mouth_y + 3 + 4 * max(corner, 0.) + 1.5 * gap
    upper, lower = curve(left, (0, upper_y), right), curve(right, (0, lower_y), left)
    lip = _shade(identity, .6) + .4 * _LIP
    fullness = (1.3 if identity.feminine else 1.) * (1 + .6 * min(expression.open, 0.))
    brush.stroke(upper, lip, 3.6 * fullness)
    brush.stroke(lower, lip, 4.4 * fullness)
    brush.polygon(np.vstack([upper, lower]), _MOUTH)  # the dark line between closed lips, too
    if gap > 3:
        teeth = curve(left, (0, upper_y + min(gap, 7)), right)
        brush.polygon(np.vstack([upper, teeth[::-1]]), _WHITE)
    if abs(corner) > .3:  # the fold beside a raised corner, under a lowered one
        top = -14 if corner > 0 else 2
        for sign in (-1, 1):
            x = sign * (half + 5)
            fold = curve((x, mouth_y + top), (x + sign * 5, mouth_y + top + 8), (x, mouth_y + top + 16))
            brush.stroke(fold, _shade(identity, .72), 1.8 * abs(corner))
