import numpy as np
import pytest

from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation import classification_metrics

# 4 clips of class 0: 3 right, 1 taken for 1; 2 of class 1: 1 right, 1 taken for 3; none of 2; 1 of class 3, taken for 0
LABELS = np.array([0, 0, 0, 0, 1, 1, 3])
PREDICTIONS = np.array([0, 0, 0, 1, 1, 3, 0])


def test_by_hand_with_an_absent_class() -> None:
    metrics = classification_metrics(LABELS, PREDICTIONS, num_classes=4)
    assert metrics.confusion.tolist() == [[3, 1, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0], [1, 0, 0, 0]]
    assert metrics.war == pytest.approx(100 * 4 / 7)
    np.testing.assert_allclose(metrics.recall, [75, 50, np.nan, 0])
    np.testing.assert_allclose(metrics.precision, [75, 50, np.nan, 0])
    assert metrics.uar == pytest.approx((75 + 50 + 0) / 3)
    assert metrics.absent == [2]
    # F1 = 2 right / (clips of the class + clips taken for it): 6/8, 2/4, 0/2
    assert metrics.f1_macro == pytest.approx(100 * (6 / 8 + 2 / 4 + 0) / 3)
    assert metrics.f1_weighted == pytest.approx(100 * (4 * 6 / 8 + 2 * 2 / 4 + 0) / 7)


def test_uar_is_not_war_when_classes_are_unequal() -> None:
    metrics = classification_metrics(np.array([0] * 9 + [1]), np.zeros(10, int), num_classes=2)
    assert (metrics.war, metrics.uar, metrics.absent) == (90.0, 50.0, [])


def test_bad_input() -> None:
    with pytest.raises(InputError, match='no clips'):
        classification_metrics(np.array([]), np.array([]), num_classes=2)
    with pytest.raises(InputError, match='labels reach from 1 to 7, but there are 7 classes: 0 to 6'):
        classification_metrics(np.array([1, 7]), np.array([1, 1]), num_classes=7)
