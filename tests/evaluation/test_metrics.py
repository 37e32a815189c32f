import numpy as np
import pytest
from sklearn import metrics

from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation import emotion_metrics, metrics_table
from claip_emo_mm.evaluation.metrics import select_classes

# The clips of test_recall.py, as scores: the highest is the class that a clip is taken for
LABELS = np.array([0, 0, 0, 0, 1, 1, 3])
SCORES = np.array([[.7, .1, .1, .1], [.7, .1, .1, .1], [.7, .1, .1, .1], [.4, .6, 0, 0], [.1, .7, .1, .1],
                   [.1, .2, .1, .6], [.5, .3, .1, .1]])
NAMES = ['happy', 'sad', 'fear', 'a']


def test_by_hand() -> None:
    metrics = emotion_metrics(LABELS, SCORES)
    assert metrics.recalls.precision == pytest.approx([75, 50, np.nan, 0], nan_ok=True)
    assert metrics.top2 == pytest.approx(100 * 6 / 7)  # the wrong ones are second in 2 of 3
    assert list(metrics.scalars()) == ['WAR', 'UAR', 'F1_macro', 'F1_weighted', 'top2', 'ECE']
    assert metrics.intervals is None


def test_as_scikit_learn_on_random_scores() -> None:
    rng = np.random.default_rng(3)
    labels, scores = rng.integers(5, size=300), rng.dirichlet(np.ones(5), size=300)
    taken = scores.argmax(axis=1)
    found = emotion_metrics(labels, scores)
    assert found.scalars() == pytest.approx(dict(
        WAR=100 * metrics.accuracy_score(labels, taken), UAR=100 * metrics.balanced_accuracy_score(labels, taken),
        F1_macro=100 * metrics.f1_score(labels, taken, average='macro'),
        F1_weighted=100 * metrics.f1_score(labels, taken, average='weighted'),
        top2=100 * metrics.top_k_accuracy_score(labels, scores, k=2), ECE=found.ece))
    for values, score in ((found.recalls.recall, metrics.recall_score),
                         (found.recalls.precision, metrics.precision_score)):
        np.testing.assert_allclose(values, 100 * score(labels, taken, average=None))
    assert (found.recalls.confusion == metrics.confusion_matrix(labels, taken)).all()


def test_details_say_what_is_absent() -> None:
    details = emotion_metrics(LABELS, SCORES, n_bootstrap=9).details(NAMES)
    assert details['absent'] == ['fear']
    assert details['class_clips'] == dict(happy=4, sad=2, fear=0, a=1)
    assert details['recall'] == dict(happy=75., sad=50., fear=None, a=0.)
    assert details['precision'] == dict(happy=75., sad=50., fear=None, a=0.)
    assert details['confusion'] == [[3, 1, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0], [1, 0, 0, 0]]
    assert details['bootstrap']['n_bootstrap'] == 9 and list(details['bootstrap']['intervals']) == [
        'WAR', 'UAR', 'F1_macro', 'F1_weighted']


def test_scores_that_are_no_probabilities_have_no_calibration_error() -> None:
    metrics = emotion_metrics(LABELS, 10 * SCORES)
    assert metrics.ece is None and 'ECE' not in metrics.scalars()
    assert 'no calibration error' in metrics_table(metrics, NAMES)


def test_table_says_what_is_absent() -> None:
    lines = metrics_table(emotion_metrics(LABELS, SCORES), NAMES).split('\n')
    assert lines[0].split() == ['class', 'recall', '%', 'precision', '%', 'clips', '|', 'taken', 'for:', *NAMES]
    assert lines[1].split() == ['happy', '75.00', '75.00', '4', '|', '3', '1', '0', '0']
    assert lines[3].split() == ['fear', 'no', 'clips', 'not', 'taken', '0', '|', '0', '0', '0', '0']
    assert lines[1].index('3') < lines[0].index('sad') and lines[1].rindex('0') == lines[0].rindex('a')
    assert lines[5:9] == ['WAR 57.14 %', 'UAR 41.67 %', 'F1 (macro) 41.67 %', 'F1 (weighted) 57.14 %']
    assert lines[-1] == 'No clips of fear: UAR and F1 are means over the other 3 classes.'


def test_table_with_intervals() -> None:
    metrics = emotion_metrics(np.array([0, 1]), np.eye(2), n_bootstrap=5)
    lines = metrics_table(metrics, ['yes', 'no']).split('\n')
    assert 'UAR 100.00 %  (100.00 to 100.00)' in lines
    assert lines[-1] == ('over 2 clips; in brackets the 95 % interval of 5 bootstrap samples of the clips of each '
                         'class')


def test_table_of_many_classes_names_mistakes() -> None:
    labels, names = np.repeat(np.arange(16), 3), [f'c{number}' for number in range(16)]
    taken = labels.copy()
    taken[:3] = 5, 5, 2
    lines = metrics_table(emotion_metrics(labels, np.eye(16)[taken]), names).split('\n')
    assert lines[0].endswith('| taken for: (most often)')
    assert lines[1].split('|')[1].strip() == 'c5 2, c2 1'
    assert lines[2].endswith('3 |')


def test_some_classes_alone() -> None:
    labels, scores, classes = select_classes(np.array([3, 0]), SCORES[[6, 0]], NAMES, ['a', 'happy', 'fear'])
    assert (labels.tolist(), classes) == ([2, 0], ['happy', 'fear', 'a'])
    np.testing.assert_allclose(scores, [[5 / 7, 1 / 7, 1 / 7], [7 / 9, 1 / 9, 1 / 9]])
    logits = select_classes(np.array([0]), np.array([[3., -2, 9, 1]]), NAMES, ['happy', 'a'])[1]
    assert logits.tolist() == [[3, 1]]  # no probabilities, and none made of them
    nothing = select_classes(np.array([0]), np.array([[0., 1, 0, 0]]), NAMES, ['happy', 'fear'])[1]
    assert nothing.tolist() == [[.5, .5]]
    with pytest.raises(InputError, match=r"classes=\['happy'\]. Expected two or more of happy, sad, fear, a"):
        select_classes(LABELS, SCORES, NAMES, ['happy'])
    with pytest.raises(InputError, match=r"classes=\['happy', 'calm', 'sad'\]. Expected two or more"):
        select_classes(LABELS, SCORES, NAMES, ['happy', 'calm', 'sad'])
    with pytest.raises(InputError, match='there are clips of sad, a, but'):
        select_classes(LABELS, SCORES, NAMES, ['happy', 'fear'])


def test_the_top_class_is_among_the_top_two() -> None:
    found = emotion_metrics(np.array([0, 0, 1, 3]), np.full((4, 4), .25))
    assert (found.recalls.war, found.top2) == (50, 75)  # of equal scores the first classes are taken
