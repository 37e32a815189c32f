"""Which confusion matrices are plotted after an evaluation, under which names and titles."""
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from claip_emo_mm.engine.hooks.plots import TrainingPlotHook
from claip_emo_mm.visualization import plots


def test_each_split_has_a_plot_with_its_own_metrics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plotted = {}
    monkeypatch.setattr(plots, 'plot_confusion_matrix', lambda matrix, classes, title: (matrix, title))
    monkeypatch.setattr(plots, 'write_figure',
                        lambda path, metric: plotted.update({path.relative_to(tmp_path).as_posix(): metric}))
    metrics = [SimpleNamespace(confusion=np.eye(2), prefix=None), SimpleNamespace(prefix='other'),
               SimpleNamespace(confusion=2 * np.eye(2), prefix='val', split='held')]
    loop = SimpleNamespace(evaluator=SimpleNamespace(metrics=metrics),
                           dataloader=SimpleNamespace(dataset=SimpleNamespace(metainfo=dict(classes=['a', 'b']))))
    runner = SimpleNamespace(work_dir=str(tmp_path), val_loop=loop, epoch=3)
    TrainingPlotHook().after_val_epoch(runner, {'WAR': 50., 'UAR': 40., 'val/WAR': 75., 'val/loss': 1.})
    assert {name: title for name, (_, title) in plotted.items()} == {
        'confusion/val_epoch_3.png': 'WAR 50.00   UAR 40.00', 'confusion/val_epoch_3_held.png': 'WAR 75.00'}
    assert [matrix[0, 0] for matrix, _ in plotted.values()] == [1, 2]
