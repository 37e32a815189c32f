"""tools/publish_model.py as a user runs it."""
import json
from pathlib import Path

import pytest
import torch
from dummy_components import write_dummy_config
from safetensors import safe_open
from tool_runs import call_tool

from claip_emo_mm.engine.checkpoints import META_KEY


def test_published_file_is_tested_with(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture,
                                       tmp_path: Path) -> None:
    work, out = tmp_path / 'work', tmp_path / 'new' / 'shared.safetensors'
    config = write_dummy_config(tmp_path / f'{tmp_path.name}.py', work, 'model.update(source=3)')
    assert call_tool(monkeypatch, 'train.py', config) == 0
    capsys.readouterr()
    assert call_tool(monkeypatch, 'publish_model.py', work / 'epoch_1.pth', out) == 0
    assert capsys.readouterr().out == f'{out}: 0.00 MB\n'
    with safe_open(out, 'pt') as file:
        assert sorted(file.keys()) == ['cls_head.bias', 'cls_head.weight']
        stored = json.loads(file.metadata()[META_KEY])
    assert stored['backbones']['backbone']['pretrained'] == '3' and stored['classes'] == ['calm', 'loud', 'odd']
    metrics = []
    for path in (work / 'epoch_1.pth', out):
        assert call_tool(monkeypatch, 'test.py', config, path) == 0
        metrics.append(json.loads((work / 'test_metrics.json').read_text())['metrics'])
    assert metrics[0] == metrics[1]
    assert call_tool(monkeypatch, 'test.py', config, out, '--cfg-options', 'model.source=4') == 1
    assert "backbone.pretrained: '3' (sha256" in capsys.readouterr().err


def test_what_cannot_be_published(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture,
                                  tmp_path: Path) -> None:
    bare = tmp_path / 'bare.pth'
    torch.save(dict(state_dict={}, meta={}), bare)
    for args, message in (((bare, 'a.safetensors'), 'bare.pth: does not say what it belongs to'),
                          ((bare, 'a.pth'), 'a.pth: expected the name of a file that ends in .safetensors'),
                          (('gone.pth', 'a.safetensors'), 'gone.pth: the checkpoint is not there'),
                          (('a.resume.pth', 'a.safetensors'), "holds the optimizer's state alone. Give .* a.pth")):
        assert call_tool(monkeypatch, 'publish_model.py', *args) == 1
        error = capsys.readouterr().err
        assert error.startswith('error: ') and all(part in error for part in message.split('.* '))
    assert call_tool(monkeypatch, 'publish_model.py', bare) == 2
