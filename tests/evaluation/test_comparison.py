"""Late fusion of models, and the comparison of two."""
import numpy as np
import pytest

from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation import ClipScores
from claip_emo_mm.evaluation.comparison import compare_pair, fuse, probabilities, search_weights

# The first knows class 0 from the rest, the second class 2 from the rest; the third knows nothing.
FIRST = [[.9, .05, .05], [.1, .5, .4], [.1, .5, .4], [.8, .1, .1]]
SECOND = [[.45, .5, .05], [.4, .5, .1], [.02, .08, .9], [.45, .5, .05]]
BLIND = [[.1, .8, .1]] * 4
LABELS = [0, 1, 2, 0]


def clips(scores: list[list[float]], labels: list[int] = LABELS) -> ClipScores:
    names = tuple(str(place) for place in range(len(scores)))
    return ClipScores(names, np.array(labels), np.array(scores, np.float32), ('a', 'b', 'c'))


def test_weights_are_scaled_and_logits_become_probabilities() -> None:
    logits = np.log(np.array(SECOND)) + 3
    fused = fuse([clips(FIRST), clips(logits.tolist())], [3, 1])
    np.testing.assert_allclose(fused.scores, .75 * np.array(FIRST) + .25 * np.array(SECOND), atol=1e-6)
    assert np.array_equal(probabilities(clips(FIRST)), np.array(FIRST, np.float32))


def test_search_finds_what_no_model_knows_alone() -> None:
    models = [clips(FIRST), clips(SECOND), clips(BLIND)]
    weights = search_weights(models)
    assert sum(weights) == pytest.approx(1) and all(weight * 20 == round(weight * 20) for weight in weights)
    assert fuse(models, weights).scores.argmax(axis=1).tolist() == LABELS
    for alone in models:
        assert alone.scores.argmax(axis=1).tolist() != LABELS
    assert search_weights([clips(FIRST), clips(FIRST)]) == (.5, .5)  # the evenest of equal ones


@pytest.mark.parametrize('weights', [[1.], [1., -1.], [0., 0.]])
def test_wrong_weights(weights: list[float]) -> None:
    with pytest.raises(InputError, match='Expected one number for each model'):
        fuse([clips(FIRST), clips(SECOND)], weights)


def test_too_many_models_to_search() -> None:
    with pytest.raises(InputError, match='weights of 6 models cannot be searched, 5 at most'):
        search_weights([clips(FIRST)] * 6)


def test_comparison_by_hand() -> None:
    # 40 clips of class 0, of which the first alone knows 4 and the second alone 10; 10 of class 1: 2 and 0.
    labels = [0] * 40 + [1] * 10
    right, wrong = {0: [1., 0., 0.], 1: [0., 1., 0.]}, [0., 0., 1.]
    outcomes = [(1, 0)] * 4 + [(0, 1)] * 10 + [(1, 1)] * 20 + [(0, 0)] * 6 + [(1, 0)] * 2 + [(1, 1)] * 8
    both = [clips([right[label] if outcome[model] else wrong for label, outcome in zip(labels, outcomes, strict=True)],
                  labels) for model in (0, 1)]
    found = compare_pair(*both, n_bootstrap=4000)
    assert (found.only_first, found.only_second) == (6, 10)
    assert found.war == pytest.approx(100 * 4 / 50) and found.uar == pytest.approx(50 * (6 / 40 - 2 / 10))
    assert found.p_value == pytest.approx(.4545, abs=1e-4)  # two-sided binomial, 6 of 16
    # Standard deviation of the difference of WAR: sqrt of the classes' sums of clips (p1 + p2 - (p2 - p1)^2), over 50.
    spread = 100 / 50 * np.sqrt(40 * (.1 + .25 - .15 ** 2) + 10 * (.2 - .2 ** 2))
    low, high = found.war_interval
    assert (high - low) / (2 * 1.96) == pytest.approx(spread, rel=.08)
    assert (low + high) / 2 == pytest.approx(8, abs=1)
    assert compare_pair(*both, n_bootstrap=4000) == found


def test_equal_models() -> None:
    found = compare_pair(clips(FIRST), clips(FIRST))
    assert (found.war, found.uar, found.p_value) == (0, 0, 1) and found.war_interval == (0, 0)
