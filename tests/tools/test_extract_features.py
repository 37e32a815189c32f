"""tools/extract_features.py, and training, testing and probing from what it extracted, as a user runs them."""
import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from tool_runs import TrainedToy, call_tool

from claip_emo_mm.evaluation import read_clip_scores

CONFIG = """
_base_ = ['{root}/configs/cached/claip_emo_tiny_toy_linear_probe.py']
train_dataloader = dict(batch_size=7, dataset=dict(data_root='{data}'))
val_dataloader = dict(dataset=dict(data_root='{data}'))
test_dataloader = dict(dataset=dict(data_root='{data}'))
feature_cache = dict(dir='{cache}')
train_cfg = dict(max_epochs=2)
param_scheduler = []
"""
ROOT = Path(__file__).parents[2]


@pytest.fixture
def config(trained_toy: TrainedToy, tmp_path: Path) -> Path:
    path = tmp_path / 'probe.py'
    path.write_text(CONFIG.format(root=ROOT, data=trained_toy.data, cache=tmp_path / 'features'))
    return path


def test_extract_train_and_join(config: Path, trained_toy: TrainedToy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / 'tables'
    assert call_tool(monkeypatch, 'extract_features.py', config, '--splits', 'train', 'test', '--export', out) == 0
    said = capsys.readouterr().out
    assert ' of 21 clips, ' in said and sorted(path.name for path in out.iterdir()) == ['test.npz', 'train.npz']
    assert call_tool(monkeypatch, 'extract_features.py', config, '--export', out) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[-3:] == [f'{out / split}.npz: {clips} clips'
                                      for split, clips in (('train', 14), ('val', 7), ('test', 7))]
    with np.load(out / 'train.npz') as kept:
        assert kept['visual'].shape == (14, 128)
    assert call_tool(monkeypatch, 'train.py', config, '--work-dir', tmp_path / 'work') == 0
    assert 'features: ' not in capsys.readouterr().err
    checkpoint = tmp_path / 'work' / 'epoch_2.pth'
    assert "type='CachedBackbone'" not in (tmp_path / 'work' / 'probe.py').read_text()
    scores = {}
    for name, options in (('cached', []), ('raw', ['--cfg-options', 'feature_cache=None'])):
        assert call_tool(monkeypatch, 'test.py', config, checkpoint, '--work-dir', tmp_path / name, *options) == 0
        scores[name] = read_clip_scores(tmp_path / name / 'test_scores.csv')
    assert scores['raw'].names == scores['cached'].names and np.ptp(scores['raw'].scores) > .01
    np.testing.assert_allclose(scores['cached'].scores, scores['raw'].scores, atol=1e-5)
    video = next(trained_toy.data.glob('videos/test_*_happy.mp4'))
    assert call_tool(monkeypatch, 'infer.py', video, '--checkpoint', checkpoint, '--face', 'none', '--out',
                     tmp_path / 'results') == 0  # the encoders are there again
    row = next(index for index, name in enumerate(scores['raw'].names) if name.endswith(video.name))
    found = json.loads(next((tmp_path / 'results').rglob('*.json')).read_text())['scores']
    assert found == pytest.approx(dict(zip(scores['raw'].classes, map(float, scores['raw'].scores[row]), strict=True)),
                                  abs=.05)


def test_export_beside_augmented_versions(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                          capsys: pytest.CaptureFixture) -> None:
    assert call_tool(monkeypatch, 'extract_features.py', config, '--splits', 'train', '--export', tmp_path / 'plain',
                     '--out', tmp_path / 'other') == 0
    arguments = [config, '--splits', 'train', '--export', tmp_path / 'views', '--views', '2']
    assert call_tool(monkeypatch, 'extract_features.py', *arguments) == 0
    encoded = [int(count) for count in re.findall(r'encoded (\d+) frames', capsys.readouterr().out)]
    assert len(encoded) == 3 and all(encoded)  # of the test views; of two versions, and of the test views beside them
    with np.load(tmp_path / 'plain' / 'train.npz') as plain, np.load(tmp_path / 'views' / 'train.npz') as views:
        np.testing.assert_allclose(views['visual'], plain['visual'], atol=1e-5)
        np.testing.assert_allclose(views['audio'], plain['audio'], atol=1e-5)


def test_few_clips(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                   capsys: pytest.CaptureFixture) -> None:
    arguments = [config, '--clips-per-class', '1', '2', '--seeds', '2', '--steps', '3', '--out', tmp_path / 'out']
    assert call_tool(monkeypatch, 'analysis_tools/few_shot.py', *arguments) == 0
    printed = capsys.readouterr().out
    with (tmp_path / 'out' / 'few_shot.csv').open(encoding='utf-8') as file:
        rows = list(csv.DictReader(file))
    assert {row['clips'] for row in rows} == {'7', '14'} and len(rows) == 12
    assert (tmp_path / 'features').is_dir() and not (tmp_path / 'out' / 'features').exists()
    assert call_tool(monkeypatch, 'analysis_tools/few_shot.py', *arguments) == 0
    again = capsys.readouterr()
    assert again.out.splitlines()[-8:] == printed.splitlines()[-8:]
    assert re.search(r'features: +\d+%', again.err) is None  # the bar of an extraction


def test_few_clips_of_a_head_that_reads_tokens(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                               capsys: pytest.CaptureFixture) -> None:
    config.write_text(config.read_text().replace('linear_probe', 'fusion_cross_attention'))
    assert call_tool(monkeypatch, 'analysis_tools/few_shot.py', config, '--out', tmp_path / 'out') == 1
    assert 'CrossAttentionFusionHead reads many tokens' in capsys.readouterr().err
    assert not (tmp_path / 'features').exists()


@pytest.mark.parametrize('arguments, code, expected', [
    (['gone.py'], 1, 'gone.py'),
    (['claip_emo_tiny_toy.py', '--out', 'new'], 1, 'parameters would be trained below the point'),
    (['{config}', '--views', '-1'], 1, 'feature_cache: views is -1. Expected at least 0'),
    (['{config}', '--processes', '0'], 1, 'feature_cache: processes is 0'),
    (['{config}', '--export', 'a', '--dry-run'], 2, '--export writes the splits'),
    (['{config}', '--export', 'a', '--cfg-options', 'feature_cache.visual_block=1'], 1, 'which are not exported'),
    (['{config}', '--folds', '2'], 1, "no data loader of .* has a 'fold'"),
    (['{config}', '--cfg-options', 'feature_cache.dirs=b'], 1, 'dirs is no option of it'),
    (['{config}', '--cfg-options', 'test_dataloader.dataset.data_root=gone'], 1, 'gone/test.csv'),
])
def test_mistakes(config: Path, trained_toy: TrainedToy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                  capsys: pytest.CaptureFixture, arguments: list[str], code: int, expected: str) -> None:
    monkeypatch.chdir(tmp_path)
    if arguments[0] == 'claip_emo_tiny_toy.py':
        arguments = [trained_toy.config, *arguments[1:]]
    arguments = [str(argument).format(config=config) for argument in arguments]
    assert call_tool(monkeypatch, 'extract_features.py', *arguments) == code
    message = capsys.readouterr().err
    assert re.search(expected, message) and 'Traceback' not in message
