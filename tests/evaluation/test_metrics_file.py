"""Metrics of a test for other programs."""
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from claip_emo_mm.evaluation.predictions import write_metrics


def test_arrays_and_scalars_become_plain(tmp_path: Path) -> None:
    path = tmp_path / 'new' / 'test_metrics.json'
    metrics = dict(WAR=np.float32(87.5), UAR=torch.tensor(75.), confusion=np.array([[1, 2], [0, 3]]))
    write_metrics(path, metrics, config='c.py', checkpoint='e.pth', clips=6, details=dict(recall=dict(a=None)))
    assert json.loads(path.read_text()) == dict(
        config='c.py', checkpoint='e.pth', clips=6, metrics=dict(WAR=87.5, UAR=75., confusion=[[1, 2], [0, 3]]),
        recall=dict(a=None))
    assert [file.name for file in path.parent.iterdir()] == ['test_metrics.json']


def test_old_metrics_stay_whole_when_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / 'test_metrics.json'
    write_metrics(path, dict(WAR=1.), config='c.py', checkpoint='e.pth', clips=6)
    old = path.read_text()

    def broken(*_: object) -> None:
        raise OSError('disk full')

    monkeypatch.setattr('os.replace', broken)
    with pytest.raises(OSError, match='disk full'):
        write_metrics(path, dict(WAR=2.), config='c.py', checkpoint='e.pth', clips=6)
    assert path.read_text() == old
