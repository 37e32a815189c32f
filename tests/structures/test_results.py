"""Averages and ratios over time, computed by hand."""
import numpy as np
import pytest

from claip_emo_mm.structures import EmotionResult, EmotionRow, ModelFacts, PersonTrack


def row(from_s: float, to_s: float, happy: float, person: int | None = 1, unsure: bool = False) -> EmotionRow:
    return EmotionRow(from_s, to_s, person, None, dict(happy=happy, sad=1 - happy), unsure=unsure)


def track(number: int, *spans: tuple[float, float]) -> PersonTrack:
    return PersonTrack(number, list(spans), [], np.zeros((64, 64, 3), np.uint8))


def result(rows: list[EmotionRow], *people: PersonTrack, **more: object) -> EmotionResult:
    return EmotionResult('a.mp4', 10.042, ['happy', 'sad'], rows, people=list(people), **more)


def test_the_last_window_does_not_count_its_seconds_twice() -> None:
    rows = [row(0, 4, .2), row(2, 6, .2), row(4, 8, .2), row(6, 10, .8), row(6.042, 10.042, .8)]
    found = result(rows)
    assert found.scores['happy'] == pytest.approx((7 * .2 + 3.042 * .8) / 10.042)
    summary, = found.summaries()
    assert summary.seen_s == pytest.approx(10.042)
    assert summary.time_ratio == pytest.approx(dict(sad=7 / 10.042, happy=3.042 / 10.042))


def test_a_person_weighs_by_the_time_that_is_seen() -> None:
    rows = [row(0, 4, .9), row(4, 8, .1), row(4, 8, .4, person=2, unsure=True)]
    found = result(rows, track(1, (3.52, 8.)), track(2, (5., 7.)))  # 12 % of the first window
    assert found.scores_of(1)['happy'] == pytest.approx((.48 * .9 + 4 * .1) / 4.48)
    first, second = found.summaries()
    assert (first.seen_s, second.seen_s) == pytest.approx((4.48, 2.))
    assert first.time_ratio == pytest.approx(dict(sad=4 / 4.48, happy=.48 / 4.48))
    assert second.time_ratio == dict(unsure=1.)
    assert found.scores['happy'] == pytest.approx((.48 * .9 + 4 * .1 + 2 * .4) / 6.48)
    assert found.tops() == {1: ('sad', pytest.approx(1 - (.48 * .9 + .4) / 4.48)), 2: ('sad', pytest.approx(.6))}


def test_what_nobody_is_seen_in_counts_evenly() -> None:
    assert result([row(0, 4, .2), row(4, 8, .4)], track(1)).scores['happy'] == pytest.approx(.3)


def test_the_verdict_is_said_with_doubt_and_with_the_kind_of_model() -> None:
    assert result([row(0, 4, .52)]).summary() == 'unsure: happy 52 %'
    people = result([row(0, 4, .9), row(0, 4, .48, 2), row(4, 8, .1, None)], note='drawn faces: nothing else.')
    assert people.summary() == 'person 1 happy 90 %, person 2 unsure: sad 52 %, whole frame sad 90 % [drawn faces]'
    assert people.persons == [1, 2, None]


def test_the_data_are_in_the_plain_result() -> None:
    model = ModelFacts('epoch_6.pth', 'drawn faces', 1.5, dict(precision='bf16'))
    content = result([row(0, 4, .9)], track(1, (1., 4.)), model=model).to_dict()
    assert content['model'] == dict(name='epoch_6.pth', data='drawn faces', temperature=1.5,
                                    fast=dict(precision='bf16'))
    person, = content['people']
    assert (person['seen_s'], person['spans'], person['time_ratio']) == (3., [[1., 4.]], dict(happy=1.))
