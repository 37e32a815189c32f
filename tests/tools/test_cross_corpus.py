"""tools/test.py --on: a model on another data set, by the classes that both have."""
import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from tool_runs import TrainedToy, call_tool

from claip_emo_mm.evaluation import read_clip_scores

# Another set: other names, another order, without sad and disgust, and with a class that the model does not know.
NAMES = dict(fear='fearful', happy='joy', angry='anger', neutral='neutral', surprise='surprised', sad='bored')
CLASSES = ['fearful', 'bored', 'joy', 'surprised', 'anger', 'neutral']
OTHER = """
_base_ = ['{base}']
test_dataloader = dict(dataset=dict(_delete_=True, type='AudioVisualDataset', data_root='{data}', ann_file='other.csv',
                                    classes={classes}, pipeline=[]))
model = dict(cls_head=dict(num_classes=6))
"""


@pytest.fixture
def other(trained_toy: TrainedToy, tmp_path: Path) -> Path:
    """The test clips of the toy set under the labels of another set; the sad one is called bored."""
    rows = list(csv.DictReader((trained_toy.data / 'test.csv').open(newline='')))
    text = ''.join(f'{row["video"]},{NAMES[row["label"]]}\n' for row in rows if row['label'] in NAMES)
    (trained_toy.data / 'other.csv').write_text(f'video,label\n{text}')
    config = tmp_path / 'other.py'
    config.write_text(OTHER.format(base=trained_toy.config, data=trained_toy.data, classes=CLASSES))
    return config


def test_figures_are_those_by_hand(trained_toy: TrainedToy, other: Path, tmp_path: Path,
                                   monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    assert call_tool(monkeypatch, 'test.py', trained_toy.config, trained_toy.checkpoint, '--on', other, '--work-dir',
                     tmp_path / 'out') == 0
    own = read_clip_scores(trained_toy.config.parent / 'test/test_scores.csv')  # of the model on its own test split
    common = ['happy', 'neutral', 'angry', 'surprise', 'fear']
    places = [own.classes.index(name) for name in common]
    right, tops, expected = 0, [], {}
    for name, label, scores in zip(own.names, own.labels, own.scores, strict=True):
        truth = own.classes[label]
        if truth in common:
            kept = scores[places].astype(float)
            right += common[int(kept.argmax())] == truth
            tops.append(sorted(kept)[-2] <= kept[common.index(truth)])
            expected[name] = (truth, kept / kept.sum())
    written = json.loads((tmp_path / 'out/test_metrics.json').read_text())
    assert written['metrics']['WAR'] == written['metrics']['UAR'] == pytest.approx(100 * right / 5)
    assert written['metrics']['top2'] == pytest.approx(100 * np.mean(tops))
    assert written['classes'] == common and written['clips'] == 5
    assert written['on'] == dict(config=str(other), classes=common, model_only=['sad', 'disgust'], data_only=['bored'],
                                 clips=5, clips_left_out=1)
    found = read_clip_scores(tmp_path / 'out/test_scores.csv')
    assert found.classes == tuple(common) and set(found.names) == set(expected)
    for name, label, scores in zip(found.names, found.labels, found.scores, strict=True):
        assert found.classes[label] == expected[name][0]
        np.testing.assert_allclose(scores, expected[name][1], atol=1e-5)
    said = capsys.readouterr()
    assert ('toy on other: 5 classes in common (happy, neutral, angry, surprise, fear). Left out: scores of sad, '
            'disgust; 1 clips, of bored. 5 clips are tested.') in said.out + said.err


def test_results_have_a_folder_of_their_own(trained_toy: TrainedToy, other: Path, tmp_path: Path,
                                            monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert call_tool(monkeypatch, 'test.py', trained_toy.config, trained_toy.checkpoint, '--on', other,
                     '--on-options', 'test_dataloader.dataset.ann_file=other.csv') == 0
    assert (tmp_path / 'work_dirs/toy_on_other/test_metrics.json').is_file()


@pytest.mark.parametrize(('options', 'message'), [
    (['--on-options', "test_dataloader.dataset.classes=['bored','joy']", 'test_dataloader.dataset.ann_file=two.csv'],
     'bored, joy and happy, .* have fewer than two in common'),
    (['--on-options', 'test_dataloader.dataset.ann_file=none.csv'], 'none.csv: there is no such annotation list'),
    (['--on-options', 'test_dataloader.dataset.ann_file=two.csv'], 'not one clip of the data set has one of happy')])
def test_sets_that_have_nothing_in_common(trained_toy: TrainedToy, other: Path, monkeypatch: pytest.MonkeyPatch,
                                          capsys: pytest.CaptureFixture, options: list[str], message: str) -> None:
    rows = (trained_toy.data / 'other.csv').read_text().splitlines()
    (trained_toy.data / 'two.csv').write_text('\n'.join([rows[0], *(row for row in rows if row.endswith('bored')), '']))
    assert call_tool(monkeypatch, 'test.py', trained_toy.config, trained_toy.checkpoint, '--on', other, *options) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith('error: ') and re.search(message, error)


def test_options_of_nothing(trained_toy: TrainedToy, monkeypatch: pytest.MonkeyPatch,
                            capsys: pytest.CaptureFixture) -> None:
    assert call_tool(monkeypatch, 'test.py', trained_toy.config, trained_toy.checkpoint, '--on-options', 'fold=2') == 2
    assert '--on-options changes the config of --on, which is missing' in capsys.readouterr().err
