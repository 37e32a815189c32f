"""The curves and the confusion matrix show the numbers that they were given."""
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg

from claip_emo_mm.visualization.plots import plot_confusion_matrix, write_figure
from claip_emo_mm.visualization.training_curves import plot_training_curves, read_scalars


def test_resumed_run_counts_and_a_line_cut_off_does_not(tmp_path: Path) -> None:
    first, second = tmp_path / 'a.json', tmp_path / 'b.json'
    first.write_text('{"loss": 3.0, "lr": 0.1, "step": 1}\n{"loss": 2.0, "step": 2}\n{"WAR": 50.0, "step": 1}\n{"lo')
    second.write_text('{"loss": 1.5, "step": 2}\n')
    series = read_scalars([first, second])
    assert series == {'loss': {1: 3.0, 2: 1.5}, 'lr': {1: 0.1}, 'WAR': {1: 50.0}}
    metric = plot_training_curves(series)
    assert [axis.get_title(loc='left') for axis in metric.axes] == [
        'loss', 'learning rate', 'validation: WAR and UAR (%)']
    np.testing.assert_array_equal(metric.axes[0].lines[0].get_xydata(), [[1, 3.0], [2, 1.5]])
    write_figure(tmp_path / 'new' / 'curves.png', metric)
    assert [path.name for path in (tmp_path / 'new').iterdir()] == ['curves.png']


def test_no_curve_is_hidden_and_epochs_are_whole() -> None:
    series = dict(loss={1: 3., 2: 2.}, loss_cls={1: 3., 2: 2.}, WAR={1: 50., 2: 60.}, UAR={1: 50., 2: 59.9})
    figure = plot_training_curves(series)
    loss, validation = figure.axes
    assert [line.get_label() for line in loss.lines] == ['loss = loss_cls']
    assert [line.get_label() for line in validation.lines] == ['WAR', 'UAR']
    looks = {(line.get_color(), line.get_marker()) for line in validation.lines}
    assert len(looks) == 2
    by_order = sorted(validation.lines, key=lambda line: line.get_zorder())  # the lowest first
    widths = [line.get_linewidth() for line in by_order]
    assert widths == sorted(widths, reverse=True) and widths[0] > widths[1] + 1
    FigureCanvasAgg(figure).draw()
    for axis in figure.axes:
        assert all(float(tick).is_integer() for tick in axis.get_xticks())
        assert axis.get_legend().get_window_extent().x0 >= axis.get_window_extent().x1  # covers nothing
    alone = plot_training_curves(dict(WAR={2: 50.}, UAR={2: 50.}))
    assert [line.get_label() for line in alone.axes[0].lines] == ['WAR = UAR']
    FigureCanvasAgg(alone).draw()
    axis, = alone.axes
    left, right = axis.get_xlim()
    assert [text.get_text() for text in axis.get_xticklabels() if left < text.get_position()[0] < right] == ['2']


def test_confusion_matrix() -> None:
    metric = plot_confusion_matrix(np.array([[3, 1, 0], [0, 2, 0], [0, 0, 0]]), ('a', 'b', 'c'), 'WAR 83.33')
    axis = metric.axes[0]
    np.testing.assert_allclose(axis.images[0].get_array(), [[75, 25, 0], [0, 100, 0], [0, 0, 0]])
    assert sorted((text.get_position(), text.get_text()) for text in axis.texts) == [
        ((0, 0), '3'), ((1, 0), '1'), ((1, 1), '2')]
    assert axis.get_title() == 'WAR 83.33'
