"""tools/test.py: its flags, the metrics that it writes, and what it says about what a user gets wrong."""
import json
from pathlib import Path

import pytest
import torch
from dummy_components import DummyModel, write_dummy_config
from mmengine.fileio import load
from tool_runs import call_tool, run_tool

from claip_emo_mm.engine.checkpoints import hash_checkpoint


@pytest.fixture
def config(tmp_path: Path) -> str:
    return write_dummy_config(tmp_path / f'{tmp_path.name}.py', tmp_path / 'work')


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A model that always says class 0, which is right for 2 of the 5 clips."""
    model = DummyModel()
    state = {key: torch.zeros_like(value) for key, value in model.state_dict().items()}
    state['cls_head.bias'][0] = 1.
    path = tmp_path / 'zero.pth'
    torch.save(dict(state_dict=state, meta={}), path)
    return path


def test_writes_metrics_without_the_training_data(config: str, checkpoint: Path, tmp_path: Path) -> None:
    built = tmp_path / 'built'
    result = run_tool('test.py', config, checkpoint, '--work-dir', tmp_path / 'out', '--dump', tmp_path / 'p.pkl',
                      '--cfg-options', f'train_dataloader.dataset.built={built}', cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert not built.exists()
    metrics = json.loads((tmp_path / 'out' / 'test_metrics.json').read_text())
    assert metrics == dict(config=config, checkpoint=str(checkpoint), clips=5, metrics=dict(WAR=40.),
                           weights_sha256=hash_checkpoint(checkpoint))
    assert len(load(tmp_path / 'p.pkl')) == 5


def test_work_dir_of_the_config(monkeypatch: pytest.MonkeyPatch, config: str, checkpoint: Path, tmp_path: Path) -> None:
    assert call_tool(monkeypatch, 'test.py', config, checkpoint) == 0
    assert (tmp_path / 'work' / 'test_metrics.json').is_file()


def test_visualization_is_turned_on(monkeypatch: pytest.MonkeyPatch, checkpoint: Path, tmp_path: Path) -> None:
    hooks = "default_hooks = dict(visualization=dict(type='ClipVisualizationHook'))"
    config = write_dummy_config(tmp_path / f'{tmp_path.name}.py', tmp_path / 'work', hooks)
    seen = {}

    def after_test_iter(self: object, *_: object, **__: object) -> None:
        seen.update(vars(self))

    monkeypatch.setattr('claip_emo_mm.engine.ClipVisualizationHook.after_test_iter', after_test_iter)
    args = ['--show-dir', tmp_path / 'shown', '--interval', '3', '--wait-time', '0.5']
    assert call_tool(monkeypatch, 'test.py', config, checkpoint, *args) == 0
    assert (seen['enable'], seen['show'], seen['interval'], seen['wait_time']) == (True, False, 3, 0.5)
    assert seen['out_dir'] == str(tmp_path / 'shown')


@pytest.mark.parametrize('args', [[], ['a.py', '--robustness'], ['a.py', 'b.pth', '--dump', 'predictions.csv'],
                                  ['a.py', 'b.pth', '--robustness', '--modality', 'audio']])
def test_wrong_arguments(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, args: list[str]) -> None:
    assert call_tool(monkeypatch, 'test.py', *args) == 2
    assert 'usage: ' in capsys.readouterr().err


@pytest.mark.parametrize('text, args, expected', [
    ('test_dataloadr = dict()', [], "did you mean 'test_dataloader'?"),
    ('test_evaluator = None', [], 'test_evaluator is missing; test_dataloader, test_cfg, test_evaluator are needed'),
    ('', ['--show'], "need visualization=dict(type='ClipVisualizationHook')"),
    ('', ['--cfg-options', 'model.num_classes=2'], 'num_classes is 2, but the data set of test_dataloader has 3'),
    ('', ['--cfg-options', 'model.width=5'], 'the checkpoint does not fit the model of this config'),
    ('', ['--cfg-options', 'test_dataloader.dataset.broken=2'], 'clip 2.mp4: no frames.'),
    ('', ['--cfg-options', 'load_from=a.pth'], 'load_from: has no effect: '),
])
def test_mistakes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, checkpoint: Path, tmp_path: Path,
                  text: str, args: list[str], expected: str) -> None:
    config = write_dummy_config(tmp_path / f'{tmp_path.name}.py', tmp_path / 'work', text)
    assert call_tool(monkeypatch, 'test.py', config, checkpoint, *args) == 1
    message = capsys.readouterr().err
    assert 'error: ' in message and expected in message and 'Traceback' not in message
    assert not (tmp_path / 'work' / 'test_metrics.json').exists()


def test_missing_checkpoint(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, config: str) -> None:
    assert call_tool(monkeypatch, 'test.py', config, 'nowhere.pth') == 1
    assert capsys.readouterr().err.startswith('error: nowhere.pth: the checkpoint is not there. Expected a .pth file')


def test_text_file_as_checkpoint(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, config: str,
                                 tmp_path: Path) -> None:
    text = tmp_path / 'a.pth'
    text.write_text('<html>not found</html>')
    assert call_tool(monkeypatch, 'test.py', config, text) == 1
    assert f'error: {text}' in capsys.readouterr().err
