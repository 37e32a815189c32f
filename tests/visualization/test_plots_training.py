"""The curves and the confusion matrix show the numbers that they were given."""
from pathlib import Path

import numpy as np

from claip_emo_mm.visualization.plots import plot_confusion_matrix, plot_training_curves, read_scalars, write_figure


def test_resumed_run_counts_and_a_line_cut_off_does_not(tmp_path: Path) -> None:
    first, second = tmp_path / 'a.json', tmp_path / 'b.json'
    first.write_text('{"loss": 3.0, "lr": 0.1, "step": 1}\n{"loss": 2.0, "step": 2}\n{"WAR": 50.0, "step": 1}\n{"lo')
    second.write_text('{"loss": 1.5, "step": 2}\n')
    series = read_scalars([first, second])
    assert series == {'loss': {1: 3.0, 2: 1.5}, 'lr': {1: 0.1}, 'WAR': {1: 50.0}}
    metric = plot_training_curves(series)
    assert [axis.get_title(loc='left') for axis in metric.axes] == ['loss', 'learning rate', 'validation (%)']
    np.testing.assert_array_equal(metric.axes[0].lines[0].get_xydata(), [[1, 3.0], [2, 1.5]])
    write_figure(tmp_path / 'new' / 'curves.png', metric)
    assert [path.name for path in (tmp_path / 'new').iterdir()] == ['curves.png']


def test_confusion_matrix() -> None:
    metric = plot_confusion_matrix(np.array([[3, 1, 0], [0, 2, 0], [0, 0, 0]]), ('a', 'b', 'c'), 'WAR 83.33')
    axis = metric.axes[0]
    np.testing.assert_allclose(axis.images[0].get_array(), [[75, 25, 0], [0, 100, 0], [0, 0, 0]])
    assert sorted((text.get_position(), text.get_text()) for text in axis.texts) == [
        ((0, 0), '3'), ((1, 0), '1'), ((1, 1), '2')]
    assert axis.get_title() == 'WAR 83.33'
