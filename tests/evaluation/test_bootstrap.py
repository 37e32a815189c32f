import numpy as np
import pytest
from scipy import stats

from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation import bootstrap_intervals, classification_metrics
from claip_emo_mm.evaluation.metrics import INTERVAL_METRICS

# 60 clips: class 0 with 30, 1 with 20, 2 without, 3 with 10
CONFUSION = np.array([[24, 3, 0, 3], [5, 12, 1, 2], [0, 0, 0, 0], [4, 0, 0, 6]])


def clips_of(confusion: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels and predictions of the clips in a matrix."""
    cells = [(row, column) for row, column in np.ndindex(*confusion.shape) for _ in range(confusion[row, column])]
    return tuple(np.array(cells).T)


def test_as_drawing_the_clips_one_by_one() -> None:
    labels, predictions = clips_of(CONFUSION)
    rng, sampled = np.random.default_rng(5), []
    for _ in range(1000):
        chosen = np.concatenate([rng.choice(np.flatnonzero(labels == label), (labels == label).sum())
                                 for label in (0, 1, 3)])
        metrics = classification_metrics(labels[chosen], predictions[chosen], 4)
        sampled.append((metrics.war, metrics.uar, metrics.f1_macro, metrics.f1_weighted))
    expected = np.quantile(sampled, [.025, .975], axis=0).T
    found = bootstrap_intervals(CONFUSION, n_bootstrap=40000)
    assert tuple(found) == INTERVAL_METRICS
    np.testing.assert_allclose(list(found.values()), expected, atol=1.7)  # a clip is 1.7 points of WAR


def test_one_class_is_binomial() -> None:
    low, high = bootstrap_intervals(np.array([[70, 30], [0, 0]]), n_bootstrap=20000)['WAR']
    assert (low, high) == pytest.approx(stats.binom.ppf([.025, .975], 100, .7), abs=1)


def test_the_ends_lie_around_the_metrics() -> None:
    labels, predictions = clips_of(CONFUSION)
    low, high = bootstrap_intervals(CONFUSION)['UAR']
    assert low < classification_metrics(labels, predictions, 4).uar < high


def test_the_seed_decides() -> None:
    first, again, other = (bootstrap_intervals(CONFUSION, n_bootstrap=50, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_without_mistakes_there_is_no_width() -> None:
    assert bootstrap_intervals(np.diag([3, 2, 0]), n_bootstrap=7) == dict.fromkeys(INTERVAL_METRICS, (100., 100.))


def test_bad_input() -> None:
    with pytest.raises(InputError, match='n_bootstrap is 0. Expected at least 1'):
        bootstrap_intervals(CONFUSION, n_bootstrap=0)
