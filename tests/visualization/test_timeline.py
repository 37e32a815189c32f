import numpy as np

from claip_emo_mm.structures import EmotionResult, EmotionRow, PersonTrack
from claip_emo_mm.visualization.timeline import plot_timeline


def row(person: int | None, from_s: float, to_s: float, happy: float) -> EmotionRow:
    return EmotionRow(from_s, to_s, person, None, dict(happy=happy, sad=1 - happy))


def person(number: int, *spans: tuple[float, float]) -> PersonTrack:
    return PersonTrack(number, list(spans), [], np.full((64, 64, 3), 10 * number, np.uint8))


def plot_axes(rows: list[EmotionRow], people: list[PersonTrack], envelope: list[float]) -> list:
    return plot_timeline(EmotionResult('a.mp4', 12., ['happy', 'sad'], rows, [], people, envelope)).axes


def test_lines_reach_over_their_windows_and_break_where_there_is_none() -> None:
    rows = [row(1, 0, 4, .2), row(1, 2, 6, .4), row(1, 8, 12, .9), row(2, 2, 6, .7)]
    axes = plot_axes(rows, [person(1, (0, 6.5), (8, 12)), person(2, (3, 5))], [.1] * 120)
    first, second, portrait, _, audio = axes[0], axes[1], axes[3], axes[4], axes[2]
    happy = first.get_lines()[0]
    np.testing.assert_array_equal(happy.get_xdata(), [np.nan, 0, 2, 4, 6, np.nan, 8, 10, 12])
    np.testing.assert_array_equal(happy.get_ydata(), [np.nan, .2, .2, .4, .4, np.nan, .9, .9, .9])
    assert first.get_title(loc='left') == 'person 1: happy 50 % on average, seen 0.0-6.5, 8.0-12.0 s'
    shaded = [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in first.patches]
    assert shaded == [(6.5, 8)]
    assert [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in second.patches] == [(0, 3), (5, 12)]
    np.testing.assert_array_equal(portrait.get_images()[0].get_array(), person(1).portrait)
    assert audio.get_ylabel() == 'audio' and audio.get_xlim() == (0, 12)
    assert [text.get_text() for text in first.get_legend().get_texts()] == ['happy', 'sad', 'not seen']


def test_of_many_people_those_seen_longest_are_shown() -> None:
    rows = [row(number, 0, 2 + number % 8, .5) for number in range(1, 9)]
    axes = plot_axes(rows, [person(number, (0, 2)) for number in range(1, 9)], [])
    titles = [axis.get_title(loc='left').split(':')[0] for axis in axes if axis.get_title(loc='left')]
    assert titles == [f'person {number}' for number in (2, 3, 4, 5, 6, 7)]
    assert axes[5].get_xlabel() == 'time (s) (2 more people are in the table)'


def test_without_a_person_there_is_one_panel() -> None:
    axes = plot_axes([row(None, 0, 12, .3)], [], [])
    assert len(axes) == 1 and axes[0].get_title(loc='left') == 'whole image, or audio alone: sad 70 %'


def test_the_note_of_a_result_stands_below() -> None:
    note = 'zero-shot: ' + 'no training ' * 20
    result = EmotionResult('a.mp4', 12., ['happy', 'sad'], [row(None, 0, 4, .2)], note=note)
    label = plot_timeline(result).axes[-1].get_xlabel()
    assert label.replace('\n', ' ').startswith('time (s) zero-shot: no training') and label.count('\n') == 3
