"""Temperature scaling, on scores whose best temperature is known."""
import numpy as np
import pytest

from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation.calibration import fit_calibration, read_temperature, scale_scores
from claip_emo_mm.evaluation.predictions import ClipScores


def clips(scores: np.ndarray, labels: np.ndarray) -> ClipScores:
    return ClipScores(tuple(map(str, range(len(labels)))), labels, scores.astype(np.float32),
                      tuple(map(str, range(scores.shape[1]))))


def test_by_hand() -> None:
    # Logits (2, 0) at temperature 2 are (1, 0).
    scores = np.exp([2., 0.]) / np.exp([2., 0.]).sum()
    np.testing.assert_allclose(scale_scores(scores, 2.), [1 / (1 + np.exp(-1)), 1 / (1 + np.exp(1))])
    np.testing.assert_allclose(scale_scores(scores, 1.), scores)
    np.testing.assert_allclose(scale_scores(np.array([[1., 0.], [.5, .5]]), 3.), [[1, 0], [.5, .5]], atol=1e-3)


def test_the_temperature_that_the_labels_were_sampled_with_is_found() -> None:
    generator = np.random.default_rng(0)
    logits = generator.normal(scale=2, size=(20000, 4))
    true = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (true.cumsum(axis=1) < generator.random((20000, 1))).sum(axis=1).clip(max=3)
    sure = scale_scores(true, 1 / 2.5)  # as if the logits were 2.5 times as large
    found = fit_calibration(clips(sure, labels))
    assert found.temperature == pytest.approx(2.5, rel=.05)
    assert found.ece_before > 15 and found.ece_after < 1.5 and found.clips == 20000
    assert (scale_scores(sure, found.temperature).argmax(axis=1) == sure.argmax(axis=1)).all()
    assert fit_calibration(clips(true, labels)).temperature == pytest.approx(1, rel=.05)


def test_a_split_without_a_wrong_clip_has_a_bound() -> None:
    scores = np.tile([.6, .4], (9, 1))
    assert fit_calibration(clips(scores, np.zeros(9, int))).temperature == pytest.approx(.05, rel=.01)
    assert fit_calibration(clips(scores, np.ones(9, int))).temperature == pytest.approx(20, rel=.01)


def test_scores_that_are_no_probabilities() -> None:
    with pytest.raises(InputError, match='the scores are no probabilities'):
        fit_calibration(clips(np.array([[3., -1.]]), np.array([0])))


def test_what_a_file_holds() -> None:
    assert read_temperature(dict(temperature=1.5)) == 1.5
    for broken in (None, {}, dict(temperature=0), dict(temperature='1'), dict(temperature=float('nan')),
                   dict(temperature=True)):
        assert read_temperature(broken) is None
