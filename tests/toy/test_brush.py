import numpy as np
import pytest

from claip_emo_mm.toy.face import Brush, curve


@pytest.mark.parametrize('side', [112, 448])
def test_ellipse_covers_the_same_ratio_of_every_frame_size(side: int) -> None:
    image = np.zeros((side, side), np.uint8)
    Brush(image).ellipse((28, -56), (30, 20), (255,))
    rows, columns = np.nonzero(image > 127)
    # cv2 grows an anti-aliased shape by half a pixel
    assert image.mean() / 255 == pytest.approx(np.pi * 30 * 20 / 224 ** 2, rel=.12)
    assert columns.mean() / side == pytest.approx(.5 + 28 / 224, abs=.01)
    assert rows.mean() / side == pytest.approx(.5 - 56 / 224, abs=.01)


def test_curve_is_a_quadratic_bezier() -> None:
    points = curve((0, 0), (4, 8), (12, 0))
    assert points[0] == pytest.approx((0, 0))
    assert points[len(points) // 2] == pytest.approx((.5 * 4 + .25 * 12, .5 * 8))
    assert points[-1] == pytest.approx((12, 0))
