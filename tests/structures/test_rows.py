"""When scores are a verdict, and for which time a row speaks."""
import numpy as np
import pytest

from claip_emo_mm.errors import InputError
from claip_emo_mm.structures import EmotionRow, VerdictRule, cut_segments, verdict_text


def row(from_s: float, to_s: float, happy: float = .9, unsure: bool = False) -> EmotionRow:
    return EmotionRow(from_s, to_s, 1, None, dict(happy=happy, sad=1 - happy), unsure=unsure)


def times(segments: list) -> list[tuple[float, float]]:
    return [(segment.from_s, segment.to_s) for segment in segments]


@pytest.mark.parametrize(('scores', 'unsure'), [
    ((.5001, .4989), True), ((.56, .44), False), ((.54, .46), True),
    ((.29, .1, .1, .1, .1, .1, .1, .11), True), ((.31, .1, .1, .1, .1, .1, .19), False), ((1.,), False)])
def test_close_or_low_scores_are_no_verdict(scores: tuple[float, ...], unsure: bool) -> None:
    named = {str(number): score for number, score in enumerate(scores)}
    assert VerdictRule().is_unsure(named) is unsure
    assert not VerdictRule(0., 0.).is_unsure(named)
    with pytest.raises(InputError, match='min_margin is 2'):
        VerdictRule(min_margin=2)


def test_what_a_picture_says() -> None:
    assert row(0, 4).label == 'happy 90 %' and row(0, 4).verdict == 'happy'
    doubtful = row(0, 4, .51, unsure=True)
    assert doubtful.label == 'unsure: happy 51 %' and (doubtful.verdict, doubtful.top) == ('unsure', 'happy')
    assert verdict_text(dict(a=.2, b=.8), False) == 'b 80 %'


def test_each_moment_belongs_to_the_nearest_middle() -> None:
    rows = [row(4, 8), row(0, 4), row(2, 6), row(6, 10), row(6.042, 10.042)]  # the last two are nearly the same
    np.testing.assert_allclose(times(cut_segments(rows)), [(0, 3), (3, 5), (5, 7), (7, 8.021), (8.021, 10.042)])
    assert [segment.row for segment in cut_segments(rows)[:3]] == [rows[1], rows[2], rows[0]]


def test_times_without_a_window_or_without_the_person_are_nobodys() -> None:
    assert times(cut_segments([row(0, 1), row(3, 4)])) == [(0, 1), (3, 4)]
    seen = [(.5, 1.), (2.5, 3.25), (5., 9.)]
    assert times(cut_segments([row(0, 4), row(2, 6)], seen)) == [(.5, 1), (2.5, 3), (3, 3.25), (5, 6)]
    assert cut_segments([]) == [] == cut_segments([], windows=[(0, 4)])


def test_windows_of_others_take_their_time() -> None:
    own, seen = [row(0, 4), row(6, 10)], [(0., 3.5), (6.5, 10.)]
    assert times(cut_segments(own, windows=[(2, 6), (4, 8), (0, 4)])) == [(0, 3), (7, 10)]
    assert times(cut_segments(own, seen, [(3, 7)])) == [(0, 3.5), (6.5, 10)]  # middles 2, 5, 8
    assert times(cut_segments(own, windows=[(11, 15)])) == [(0, 4), (6, 10)]
    assert times(cut_segments([row(0, 4)], windows=[(4, 4.5)])) == [(0, 4)]  # no window that does not cover a moment
