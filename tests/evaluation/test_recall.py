import numpy as np
import pytest

from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation import recall_figures

# 4 clips of class 0: 3 right, 1 taken for 1; 2 of class 1: 1 right, 1 taken for 3; none of 2; 1 of class 3, taken for 0
LABELS = np.array([0, 0, 0, 0, 1, 1, 3])
PREDICTIONS = np.array([0, 0, 0, 1, 1, 3, 0])


def test_by_hand_with_an_absent_class() -> None:
    figures = recall_figures(LABELS, PREDICTIONS, num_classes=4)
    assert figures.confusion.tolist() == [[3, 1, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0], [1, 0, 0, 0]]
    assert figures.war == pytest.approx(100 * 4 / 7)
    np.testing.assert_allclose(figures.recall, [75, 50, np.nan, 0])
    np.testing.assert_allclose(figures.precision, [75, 50, np.nan, 0])
    assert figures.uar == pytest.approx((75 + 50 + 0) / 3)
    assert figures.absent == [2]
    # F1 = 2 right / (clips of the class + clips taken for it): 6/8, 2/4, 0/2
    assert figures.f1_macro == pytest.approx(100 * (6 / 8 + 2 / 4 + 0) / 3)
    assert figures.f1_weighted == pytest.approx(100 * (4 * 6 / 8 + 2 * 2 / 4 + 0) / 7)


def test_uar_is_not_war_when_classes_are_unequal() -> None:
    figures = recall_figures(np.array([0] * 9 + [1]), np.zeros(10, int), num_classes=2)
    assert (figures.war, figures.uar, figures.absent) == (90.0, 50.0, [])


def test_bad_input() -> None:
    with pytest.raises(InputError, match='no clips'):
        recall_figures(np.array([]), np.array([]), num_classes=2)
    with pytest.raises(InputError, match='labels reach from 1 to 7, but there are 7 classes: 0 to 6'):
        recall_figures(np.array([1, 7]), np.array([1, 1]), num_classes=7)
