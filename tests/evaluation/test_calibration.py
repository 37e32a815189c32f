import numpy as np
import pytest

from claip_emo_mm.evaluation.metrics import are_probabilities, expected_calibration_error

SCORES = np.array([[.9, .1], [.7, .3], [.35, .65], [.45, .55]])


def test_by_hand() -> None:
    # Bins of .25: (.5, .75] holds .7 right, .65 wrong and .55 right; (.75, 1] holds .9 wrong.
    labels = np.array([1, 0, 0, 1])
    expected = 3 / 4 * abs(2 / 3 - (.7 + .65 + .55) / 3) + 1 / 4 * abs(0 - .9)
    assert expected_calibration_error(labels, SCORES, bins=4) == pytest.approx(100 * expected)


def test_a_score_on_an_edge_belongs_to_the_lower_bin() -> None:
    # (0, .5]: .5 right; (.5, 1]: 1 wrong. In one bin the two would cancel to |1 - 1.5| / 2.
    scores = np.array([[.5, .5], [0., 1.]])
    assert expected_calibration_error(np.array([0, 0]), scores, bins=2) == pytest.approx(100 * (.5 + 1) / 2)
    assert expected_calibration_error(np.array([0, 0]), scores, bins=1) == pytest.approx(100 * .5 / 2)


def test_scores_that_are_no_probabilities() -> None:
    assert are_probabilities(SCORES)
    assert are_probabilities(SCORES.astype(np.float16))
    assert not are_probabilities(SCORES * 2)
    assert not are_probabilities(np.array([[1.5, -.5]]))
