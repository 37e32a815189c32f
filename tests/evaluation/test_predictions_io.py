"""Reading the scores of an evaluation, and bringing several into one order."""
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from crafted_pickles import PickledCall
from mmaction.registry import METRICS
from mmaction.structures import ActionDataSample

from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation import ClipScores, write_clip_scores
from claip_emo_mm.evaluation.predictions import read_scores

SCORES = np.array([[.1, .7, .2], [.5, .25, .25], [0., .1, .9], [.3, .4, .3]], np.float32)
LABELS = np.array([1, 0, 2, 0])
NAMES = ('data/a.mp4', 'data/b.mp4', 'data/c.mp4', 'data/d.mp4')


def clips(order: list[int] | None = None, **changes: object) -> ClipScores:
    order = [0, 1, 2, 3] if order is None else order
    values = dict(names=tuple(NAMES[place] for place in order), labels=LABELS[order], scores=SCORES[order],
                  classes=('0', '1', '2'))
    return ClipScores(**{**values, **changes})


@pytest.fixture
def dump(tmp_path: Path) -> Callable[..., Path]:
    """Writes a pickle by MMAction2's DumpResults; `named` says whether the samples bear file names."""
    def write(named: bool = True, **metainfo: object) -> Path:
        metric = METRICS.build(dict(type='DumpResults', out_file_path=str(tmp_path / 'dump.pkl')))
        samples = []
        for name, label, scores in zip(NAMES, LABELS, SCORES, strict=True):
            sample = ActionDataSample(metainfo=dict(dict(filename=name) if named else {}, **metainfo))
            samples.append(sample.set_gt_label(int(label)).set_pred_score(torch.tensor(scores)).to_dict())
        metric.process({}, samples)
        metric.evaluate(len(samples))
        return tmp_path / 'dump.pkl'
    return write


def test_dump_of_mmaction(dump: Callable[..., Path]) -> None:
    found = read_scores(dump(total_frames=np.int64(3), box=np.arange(3.), img_shape=(4, 5)))
    assert found.names == NAMES and found.classes == ('0', '1', '2')
    assert np.array_equal(found.labels, LABELS) and np.array_equal(found.scores, SCORES)
    assert read_scores(dump(named=False), classes=('x', 'y', 'z')).names == ('0', '1', '2', '3')


def test_scores_of_a_test(tmp_path: Path) -> None:
    write_clip_scores(tmp_path / 'scores.csv', clips())
    with (tmp_path / 'scores.csv').open('a') as file:
        file.write('\n\n')  # as editors leave it
    assert np.array_equal(read_scores(tmp_path / 'scores.csv').scores, SCORES)
    with (tmp_path / 'scores.csv').open('a') as file:
        file.write('alone\n')
    with pytest.raises(InputError, match='no scores of clips can be read'):
        read_scores(tmp_path / 'scores.csv')


@pytest.mark.parametrize(('content', 'expected'), [
    (pickle.dumps([PickledCall(os.mkdir, 'run_by_a_pickle')]),
     r'holds posix\.mkdir, which a dump of scores does not need'),
    (pickle.dumps([dict(pred_score=torch.ones(3))])[:-20], 'no dump that can be read'),
    (pickle.dumps(dict(a=1)), 'holds a dict. Expected a list'),
    (pickle.dumps([dict(pred_score=torch.ones(3), filename='a')]), 'clip 0 has no gt_label .found: pred_score, fil'),
    (pickle.dumps([]), 'has no gt_label .found: no clips'),
], ids=['call', 'cut', 'dict', 'no label', 'empty'])
def test_what_is_no_dump(content: bytes, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'a.pkl').write_bytes(content)
    with pytest.raises(InputError, match=expected):
        read_scores(tmp_path / 'a.pkl')
    assert not (tmp_path / 'run_by_a_pickle').exists()


def test_missing_file_and_wrong_classes(dump: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match='there is no such file'):
        read_scores(tmp_path / 'gone.pkl')
    with pytest.raises(InputError, match='has 3 scores a clip, but 2 names'):
        read_scores(dump(), classes=('a', 'b'))
