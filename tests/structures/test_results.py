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


def test_one_face_at_a_time_has_each_second_once() -> None:
    people = track(1, (0., 9.)), track(2, (0., 9.))  # both are always visible, the larger one is judged
    rows = [row(0, 4, .9), row(2, 6, .3, 2), row(4, 8, .3, 2), row(5, 9, .9)]
    found = result(rows, *people)  # middles 2, 4, 6, 7
    assert [[each[:2] for each in found.segments(person)] for person in (1, 2)] == [
        [(0, 3), (6.5, 9)], [(3, 5), (5, 6.5)]]
    assert [each.seen_s for each in found.summaries()] == [5.5, 3.5]
    assert found.scores['happy'] == pytest.approx((5.5 * .9 + 3.5 * .3) / 9)


def test_the_whole_frame_speaks_only_in_its_windows() -> None:
    starts = range(6)  # stride 1; the face is seen for more than half a second in windows that begin at 2 to 5 s
    found = result([row(start, start + 4, .5, 1 if start >= 2 else None) for start in starts], track(1, (5., 5.6)))
    assert [(each.from_s, each.to_s) for each in found.segments(None)] == [(0, 2.5), (2.5, 3.5)]
    assert [(each.from_s, each.to_s) for each in found.segments(1)] == [(5, 5.5), (5.5, 5.6)]


@pytest.mark.parametrize('at_once', [1, 3])
@pytest.mark.parametrize('seed', range(20))
def test_segments_are_those_of_a_dense_grid_of_times(seed: int, at_once: int) -> None:
    """Whatever the stride and whoever is seen: the rule of the documentation, asked at every hundredth of a second."""
    generator = np.random.default_rng(seed)
    stride, last, persons = generator.uniform(.4, 5.), generator.uniform(.1, 20.), [1, 2, 3, None]
    rows, tracks = [], []
    for start in [*np.arange(0, last, stride), last]:
        for person in generator.choice(persons, generator.integers(1, at_once + 1), replace=False):
            rows.append(row(start, start + 4., generator.uniform(), person))
    for number in (1, 2, 3):
        cuts = np.sort(generator.uniform(0, last + 4, 6))
        tracks.append(track(number, *zip(cuts[::2].tolist(), cuts[1::2].tolist(), strict=True)))
    found = result(rows, *tracks)
    grid = np.arange(.005, last + 4, .01)
    for person in found.persons:
        expected = []
        for time_s in grid:
            covering = [each for each in rows if each.from_s <= time_s <= each.to_s]
            nearest = min((abs(each.from_s + 2 - time_s) for each in covering), default=None)
            seen = person is None or any(start <= time_s <= end for start, end in tracks[person - 1].spans)
            expected.append(next((id(each) for each in covering if abs(each.from_s + 2 - time_s) == nearest
                                  and each.person == person and seen), None))
        speaking = [{id(each.row) for each in found.segments(person) if each.from_s <= time_s <= each.to_s}
                    for time_s in grid]
        assert all(len(each) <= 1 for each in speaking)
        assert [next(iter(each), None) for each in speaking] == expected


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
