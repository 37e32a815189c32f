"""A model beside people, by hand."""
from math import log, log2

import numpy as np
import pytest
import torch
from mmaction.registry import METRICS
from mmengine.evaluator import Evaluator

from claip_emo_mm.evaluation.votes import human_baseline, votes_details, votes_metrics, votes_table

LABELS = np.array([0, 2, 1])
SCORES = np.array([[.5, .25, .25], [.1, .1, .8], [.2, .6, .2]])
BOTH = np.array([[8, 0, 2], [3, 3, 4], [5, 5, 0]], float)  # a tie in the last
VOTES = np.stack([BOTH[:, ::-1], BOTH, BOTH], axis=1)  # (clips, 3, K)


def test_people() -> None:
    assert human_baseline(LABELS, BOTH) == pytest.approx((100 * (8 + 4 + 5) / 30, 200 / 3))


def test_against_the_votes() -> None:
    found = votes_metrics(LABELS, SCORES, VOTES)
    assert [*found] == ['voice', 'face', 'both']
    face = found['face']
    assert face.cross_entropy == pytest.approx(-(.8 * log(.5) + .2 * log(.25) + .3 * log(.1) + .3 * log(.1)
                                                 + .4 * log(.8) + .5 * log(.2) + .5 * log(.6)) / 3)

    def divergence(p: list[float], q: list[float]) -> float:
        return sum(half / 2 * log2(half / (a / 2 + b / 2)) for a, b in zip(p, q, strict=True)
                   for half in (a, b) if half)

    expected = (divergence([.8, 0, .2], [.5, .25, .25]) + divergence([.3, .3, .4], [.1, .1, .8])
                + divergence([.5, .5, 0], [.2, .6, .2])) / 3
    assert face.js_divergence == pytest.approx(expected, abs=1e-9)
    assert (face.majority, face.untied) == (100., 2)
    assert found['voice'].majority == 0. and found['voice'].people_acted == pytest.approx(100 * (2 + 3 + 5) / 30)
    same = votes_metrics(LABELS, BOTH / 10, VOTES)['both']
    assert same.js_divergence == pytest.approx(0, abs=1e-9)


def test_every_clip_tied() -> None:
    found = votes_metrics(LABELS[:1], SCORES[:1], np.ones((1, 3, 3)))['both']
    assert np.isnan(found.majority) and found.untied == 0


def test_the_table_puts_them_side_by_side() -> None:
    found = votes_metrics(LABELS, SCORES, VOTES)
    lines = votes_table(found, 85.5).splitlines()
    assert lines[1].split() == ['voice', 'face', 'both']
    assert lines[2] == 'acted emotion, votes of people %      33.33   56.67   56.67'
    assert lines[4] == 'acted emotion, model (WAR) %          85.50   85.50   85.50'
    assert lines[-1].endswith('2       2       2')
    assert votes_details(found)['both']['untied'] == 2


def samples(with_votes: int) -> list[dict]:
    return [dict(gt_label=torch.tensor([label]), pred_score=torch.tensor(scores), **(
        dict(votes=votes) if index < with_votes else {}))
        for index, (label, scores, votes) in enumerate(zip(LABELS, SCORES, VOTES, strict=True))]


def test_the_metric_compares_where_every_clip_has_votes() -> None:
    evaluator = Evaluator(METRICS.build(dict(type='EmotionMetric')))
    evaluator.dataset_meta = dict(classes=['a', 'b', 'c'])
    evaluator.process(samples(3))
    metrics = evaluator.evaluate(size=3)
    face = votes_metrics(LABELS, SCORES, VOTES)['face']
    assert metrics['WAR'] == 100 and metrics['CE_face'] == pytest.approx(face.cross_entropy, rel=1e-6)
    assert {'JSD_both', 'majority_voice', 'CE_both'} <= set(metrics)
    assert evaluator.metrics[0].votes['both'].untied == 2
    evaluator.process(samples(2))
    assert 'CE_both' not in evaluator.evaluate(size=3) and evaluator.metrics[0].votes is None
