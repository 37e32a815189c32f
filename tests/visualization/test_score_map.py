"""Scores on a grid of time, by hand."""
import numpy as np

from claip_emo_mm.structures import EmotionRow, Span, cut_segments
from claip_emo_mm.visualization.score_map import ScoreMap, runs
from claip_emo_mm.visualization.score_map import map_scores as map_segments


def row(from_s: float, to_s: float, calm: float) -> EmotionRow:
    return EmotionRow(from_s, to_s, 1, None, dict(calm=calm, loud=1 - calm))


def map_scores(rows: list[EmotionRow], classes: list[str], spans: list[Span] | None, duration_s: float,
               columns: int) -> ScoreMap:
    return map_segments(cut_segments(rows, spans), classes, duration_s, columns)


def test_the_window_with_the_nearest_middle_counts_and_nothing_where_the_person_is_not_seen() -> None:
    rows = [row(2, 6, .6), row(0, 4, .2), row(8, 12, 1.)]
    found = map_scores(rows, ['calm', 'loud'], [(1, 5), (9, 12)], 12., 12)
    # Middles 2 and 4: the border is at 3 s. Visible are 1 to 5 s and 9 to 12 s.
    calm = [np.nan, .2, .2, .6, .6, np.nan, np.nan, np.nan, np.nan, 1, 1, 1]
    np.testing.assert_allclose(found.scores[0], calm, atol=1e-12)
    np.testing.assert_allclose(found.scores[1], 1 - np.array(calm), atol=1e-12)
    assert found.leading().tolist() == [-1, 1, 1, 0, 0, -1, -1, -1, -1, 0, 0, 0]
    assert not found.unsure.any()


def test_many_windows_in_a_column_are_averaged_over_their_time() -> None:
    rows = [row(0, 1, 0.), row(1, 2, 1.), row(2, 5, .5)]
    found = map_scores(rows, ['calm', 'loud'], None, 8., 2)
    np.testing.assert_allclose(found.scores[0], [(0 + 1 + 2 * .5) / 4, .5])
    assert map_scores(rows, ['calm', 'loud'], [], 8., 2).known.tolist() == [False, False]


def test_a_moment_in_a_long_video_is_not_lost() -> None:
    found = map_scores([row(3600, 3604, .9)], ['calm', 'loud'], [(3601, 3602)], 7200., 900)
    assert np.flatnonzero(found.known).tolist() == [450]
    np.testing.assert_allclose(found.scores[:, 450], [.9, .1])


def test_classes_are_ranked_by_the_time_in_which_they_lead() -> None:
    rows = [EmotionRow(0, 1, 1, None, dict(a=.1, b=.4, c=.5)), EmotionRow(1, 4, 1, None, dict(a=.4, b=.35, c=.25))]
    assert map_scores(rows, ['a', 'b', 'c'], None, 4., 8).ranked(np.array([.3, .4, .3])) == [0, 2, 1]


def test_runs() -> None:
    assert runs(np.array([4, 4, 1, 1, 1, 2])) == [(0, 2), (2, 5), (5, 6)]
