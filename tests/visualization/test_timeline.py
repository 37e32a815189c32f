"""The timeline: what it shows, and that nothing in it covers anything else, whatever it is given."""
import itertools
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from claip_emo_mm.datasets.labels import DFEW, MAFW, MAFW_COMPOUND
from claip_emo_mm.structures import EmotionResult, EmotionRow, PersonTrack
from claip_emo_mm.visualization.plots import figure_bytes, write_figure
from claip_emo_mm.visualization.timeline import format_time, plot_timeline, time_ticks, timeline_width


def row(person: int | None, from_s: float, to_s: float, happy: float) -> EmotionRow:
    return EmotionRow(from_s, to_s, person, None, dict(happy=happy, sad=1 - happy))


def person(number: int, *spans: tuple[float, float]) -> PersonTrack:
    return PersonTrack(number, list(spans), [], np.full((64, 64, 3), 10 * number, np.uint8))


def plot(rows: list[EmotionRow], people: list[PersonTrack], envelope: list[float], note: str = '') -> Figure:
    return plot_timeline(EmotionResult('a.mp4', 12., list(rows[0].scores), rows, [], people, envelope, note))


def panels(figure: Figure) -> list[Axes]:
    """Axes of the people, from above."""
    return [axis for axis in figure.axes if axis.get_title(loc='left')]


def labels(axis: Axes) -> tuple[list[str], list[str]]:
    """Texts on the left and on the right of a panel."""
    right, = axis.child_axes
    return [text.get_text() for text in axis.get_yticklabels()], [text.get_text() for text in right.get_yticklabels()]


def test_a_panel_has_a_row_for_each_class_and_is_blank_where_the_person_is_not_seen() -> None:
    rows = [row(1, 0, 4, .2), row(1, 2, 6, .4), row(1, 8, 12, .9), row(2, 2, 6, .7)]
    figure = plot(rows, [person(1, (0, 5.5), (8, 12)), person(2, (3, 5))], [.1] * 120)
    first, second = panels(figure)
    image = first.get_images()[0]
    assert image.get_extent() == [0, 12, 1.5, -.5]
    values = np.ma.filled(image.get_array().astype(float), np.nan)
    seconds = values[:, 75 // 2::75]  # 900 columns; the middle of every second
    np.testing.assert_allclose(seconds[0], [.2, .2, .2, .4, .4, .4, np.nan, np.nan, .9, .9, .9, .9])
    assert labels(first)[0] == ['happy', 'sad']
    assert first.get_title(loc='left').endswith(' %, visible 9.5 of 12.0 s')
    assert second.get_title(loc='left') == 'person 2: happy 70 %, visible 2.0 of 12.0 s'
    assert labels(second)[1] == ['70 %', '30 %']
    line, = [lines for lines in second.collections if lines.get_linewidth() == 2.5]  # in the row of the highest score
    np.testing.assert_allclose(line.get_segments(), [[[3, 0], [5, 0]]])
    portraits = [axis.get_images()[0].get_array() for axis in figure.axes if axis.get_images()
                 and axis not in (first, second)]
    np.testing.assert_array_equal(portraits[0], person(1).portrait)
    assert figure.axes[2].get_yticklabels()[0].get_text() == 'audio'


def test_windows_that_are_unsure_are_hatched_and_name_no_class() -> None:
    rows = [row(1, 0, 4, .9), row(1, 4, 8, .51), row(1, 8, 12, .9)]
    rows[1].unsure = True
    figure = plot(rows, [person(1, (0, 12))], [])
    panel, = panels(figure)
    hatched, = [bars for bars in panel.collections if bars.get_hatch()]
    box = hatched.get_paths()[0].get_extents()
    np.testing.assert_allclose([box.x0, box.x1], [4, 8])
    line, = [lines for lines in panel.collections if lines.get_linewidth() == 2.5]
    np.testing.assert_allclose(line.get_segments(), [[[0, 0], [4, 0]], [[8, 0], [12, 0]]])
    assert 'unsure' in [text.get_text() for text in figure.axes[-1].get_legend().get_texts()]


def test_of_many_classes_the_leading_ones_and_one_row_for_all_others() -> None:
    classes = [f'class {number}' for number in range(43)]
    scores = dict.fromkeys(classes, .01)
    rows = [EmotionRow(start, end, 1, None, scores | {name: .58})
            for start, end, name in ((0, 9, 'class 40'), (9, 12, 'class 7'))]
    figure = plot(rows, [person(1, (0, 12))], [])
    names, ratios = labels(panels(figure)[0])
    assert len(names) == 11 and names[:2] == ['class 40', 'class 7'] and names[-1] == '33 others, highest'
    assert ratios[-1] == '≤ 1 %'
    values = panels(figure)[0].get_images()[0].get_array()
    np.testing.assert_allclose(values[:, 450], [.58] + [.01] * 10)


def test_of_many_people_those_seen_longest_are_shown() -> None:
    rows = [row(number, 0, 12, .5) for number in range(1, 9)]
    figure = plot(rows, [person(number, (0, 2 + number % 8)) for number in range(1, 9)], [])
    titles = [axis.get_title(loc='left').split(':')[0] for axis in panels(figure)]
    assert titles == [f'person {number}' for number in (2, 3, 4, 5, 6, 7)]
    assert any('2 more people are in the table' in axis.get_xlabel() for axis in figure.axes)


def test_without_a_person_there_is_one_panel_and_the_note_stands_below() -> None:
    figure = plot([row(None, 0, 12, .3)], [], [], 'zero-shot: ' + 'no training ' * 20)
    panel, = panels(figure)
    assert panel.get_title(loc='left') == 'whole frame, or audio alone: sad 70 %'
    assert panel.get_xlabel().replace('\n', ' ').startswith('time zero-shot: no training')


@pytest.mark.parametrize(('classes', 'people', 'duration_s'), [
    (('calm', 'loud'), 1, 600.), (DFEW.classes, 6, 4.), (MAFW.classes, 6, 7200.), (MAFW_COMPOUND.classes, 1, 4.),
    (MAFW_COMPOUND.classes, 6, 7200.)], ids=['2', '7', '11', '43', '43 for 2 h'])
def test_no_text_covers_another_or_leaves_the_figure(classes: tuple[str, ...], people: int, duration_s: float) -> None:
    rng = np.random.default_rng(0)
    starts = np.linspace(0, duration_s, 8, endpoint=False)
    rows = [EmotionRow(start, start + duration_s / 8, number, None,
                       dict(zip(classes, rng.dirichlet(np.full(len(classes), .3)), strict=True)))
            for start in starts for number in range(1, people + 1)]
    tracks = [person(number, (0, .4 * duration_s), (.6 * duration_s, duration_s)) for number in range(1, people + 1)]
    figure = plot_timeline(EmotionResult('$a$b.mp4', duration_s, list(classes), rows, [], tracks, [.5] * 40,
                                         'toy: knows drawn faces'))
    FigureCanvasAgg(figure).draw()
    texts = [(text, text.get_window_extent()) for text in figure.findobj(Text)
             if text.get_visible() and text.get_text().strip()]
    assert len(texts) > people * min(len(classes), 7)
    inside = figure.bbox.padded(1)
    for text, box in texts:
        assert inside.x0 <= box.x0 and box.x1 <= inside.x1 and inside.y0 <= box.y0 and box.y1 <= inside.y1, text
    for (one, a), (other, b) in itertools.combinations(texts, 2):
        assert not a.padded(-1).overlaps(b.padded(-1)), (one, other)
    assert figure.get_figwidth() == timeline_width(duration_s)


def test_longer_inputs_make_wider_figures_up_to_two_feet() -> None:
    assert [round(timeline_width(duration_s), 1) for duration_s in (0, 4, 20, 600, 7200, 1e6)] == [
        7.5, 7.5, 8.7, 14.6, 18.9, 24]


def test_times_as_people_write_them() -> None:
    assert [format_time(time_s) for time_s in (0, 9, 61, 3599.6, 7325)] == [
        '0:00', '0:09', '1:01', '1:00:00', '2:02:05']
    assert format_time(59.96, 1) == '1:00.0' and format_time(3.14, 1) == '0:03.1'
    assert time_ticks(4, 6)[1] == ['0:00', '0:01', '0:02', '0:03', '0:04']
    assert time_ticks(600, 14)[1][-1] == '10:00' and len(time_ticks(600, 14)[0]) == 11
    assert time_ticks(7200, 18)[1][:2] == ['0:00', '10:00']
    assert time_ticks(.5, 6)[1] == ['0:00.0', '0:00.1', '0:00.2', '0:00.3', '0:00.4', '0:00.5']
    assert len(time_ticks(1e6, 24)[0]) <= 25


def test_png_svg_and_pdf(tmp_path: Path) -> None:
    figure = plot([row(1, 0, 4, .2)], [person(1, (0, 4))], [.1])
    write_figure(tmp_path / 'a.png', figure)
    assert cv2.imread(str(tmp_path / 'a.png')).shape[1] == int(100 * timeline_width(12))
    svg = figure_bytes(figure, 'svg').decode()
    assert '<title>a.mp4</title>' in svg and '>happy</text>' in svg
    assert BytesIO(figure_bytes(figure, 'pdf')).read(5) == b'%PDF-'
