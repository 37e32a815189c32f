"""Scores that are no numbers are refused by name wherever they are made, kept or read."""
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmaction.structures import ActionDataSample
from torch import nn

from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation import ClipScores, emotion_metrics
from claip_emo_mm.evaluation.comparison import fuse
from claip_emo_mm.evaluation.metrics import check_scores, expected_calibration_error, why_not_finite
from claip_emo_mm.evaluation.predictions import collect_features, read_scores, write_metrics
from claip_emo_mm.export.onnx import QuantizationChange

LABELS = np.array([0, 1, 0])
BROKEN = np.array([[.5, .5], [np.nan, .5], [np.inf, 0]], np.float32)
MESSAGE = 'the scores of 2 of 3 clips are not finite, those of {} for instance'


def fuse_broken() -> None:
    whole = ClipScores(('a', 'b', 'c'), LABELS, np.full((3, 2), .5, np.float32), ('x', 'y'))
    whole.scores[1:] = BROKEN[1:]  # behind the back of the constructor
    fuse([whole, whole], [1, 1])


@pytest.mark.parametrize(('make', 'clip'), [
    (lambda: ClipScores(('a', 'b', 'c'), LABELS, BROKEN, ('x', 'y')), 'b'),
    (lambda: emotion_metrics(LABELS, BROKEN), 'clip 2'),
    (lambda: expected_calibration_error(LABELS, BROKEN), 'clip 2'),
    (fuse_broken, 'b')])
def test_scores(make: Callable[[], object], clip: str) -> None:
    with pytest.raises(InputError, match=MESSAGE.format(clip)):
        make()


def test_files_of_scores(tmp_path: Path) -> None:
    table = tmp_path / 'scores.csv'
    table.write_text('clip,label,x,y\na,x,.5,.5\nb,y,nan,.5\nc,x,inf,0\n')
    dump = tmp_path / 'dump.pkl'
    samples = [dict(filename=name, gt_label=torch.tensor([int(label)]), pred_score=torch.from_numpy(scores))
               for name, label, scores in zip('abc', LABELS, BROKEN, strict=True)]
    dump.write_bytes(pickle.dumps(samples))
    for path in (table, dump):
        with pytest.raises(InputError, match=rf'{path}: .*{MESSAGE.format("b")}'):
            read_scores(path)


def test_features() -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.tensor([1., np.nan]))
            self.data_preprocessor = lambda batch, training: batch

        def extract_feat(self, inputs: torch.Tensor) -> dict[str, torch.Tensor]:
            return dict(visual=inputs, audio=inputs * self.weight)

    samples = [ActionDataSample(metainfo=dict(filename=name)).set_gt_label(0) for name in 'ab']
    with pytest.raises(InputError, match='audio: the features of 2 of 2 clips are not finite, those of a for instance. '
                                         "1 of the model's weights hold values that are infinite or NaN, weight for"):
        collect_features(Model(), [dict(inputs=torch.ones(2, 2), data_samples=samples)])
    assert 'weights are finite' in why_not_finite(nn.Linear(2, 1))


def test_files_with_8_bit_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / 'a.onnx').touch()
    monkeypatch.setattr('claip_emo_mm.export.onnx.run_file', lambda path, batches: [[BROKEN]])
    with pytest.raises(InputError, match=r'a\.int8\.onnx: the scores of 2 of 3 clips are not finite.* without --int8'):
        QuantizationChange.measure(tmp_path / 'a.int8.onnx', tmp_path / 'a.onnx', [{}], [[BROKEN]])


def test_metrics_that_are_no_numbers_are_null(tmp_path: Path) -> None:
    metrics = dict(mAP=np.float64('nan'), WAR=np.float32(50), per_class=torch.tensor([1., np.inf]),
                   when=SimpleNamespace())
    write_metrics(tmp_path / 'metrics.json', metrics, 'config.py', 'epoch_1.pth', 3)

    def refuse(word: str) -> None:
        raise AssertionError(word)
    found = json.loads((tmp_path / 'metrics.json').read_text(), parse_constant=refuse)['metrics']
    assert (found['mAP'], found['WAR'], found['per_class'], found['when']) == (None, 50, [1, None], 'namespace()')


def test_finite_scores_pass() -> None:
    check_scores(np.ones((2, 3, 4)), 'x')
    check_scores(np.zeros((0, 3)), 'x')
