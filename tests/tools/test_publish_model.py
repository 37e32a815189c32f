"""tools/publish_model.py as a user runs it."""
import json
from pathlib import Path

import pytest
import torch
from dummy_components import write_dummy_config
from hub_server import TOKEN, Hub
from safetensors import safe_open
from tool_runs import TrainedToy, call_tool

from claip_emo_mm.apis import EmotionInferencer
from claip_emo_mm.engine.checkpoints import META_KEY
from claip_emo_mm.errors import InputError


def test_published_file_is_tested_with(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture,
                                       tmp_path: Path) -> None:
    work, out = tmp_path / 'work', tmp_path / 'new' / 'shared.safetensors'
    config = write_dummy_config(tmp_path / f'{tmp_path.name}.py', work, 'model.update(source=3)')
    assert call_tool(monkeypatch, 'train.py', config) == 0
    capsys.readouterr()
    assert call_tool(monkeypatch, 'publish_model.py', work / 'epoch_1.pth', out) == 0
    assert capsys.readouterr().out == f'{out}: 0.00 MB; card: {out.with_suffix(".md")}\n'
    assert '| classes | calm, loud, odd |' in out.with_suffix('.md').read_text()
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


def test_pushed_model_is_used_anywhere(trained_toy: TrainedToy, hub: Hub, monkeypatch: pytest.MonkeyPatch,
                                       capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    push = ('publish_model.py', trained_toy.checkpoint, '--push', 'ann/toy', '--private')
    assert call_tool(monkeypatch, *push) == 0
    assert '/ann/toy/commit/' in capsys.readouterr().out
    files = hub.repositories['ann/toy']
    assert sorted(files) == ['README.md', 'model.safetensors'] and hub.private == ['ann/toy']
    assert len(files['model.safetensors']) < 1e6 and b'license: apache-2.0' in files['README.md']
    monkeypatch.chdir(tmp_path)
    clip = next((trained_toy.data / 'videos').glob('test*.mp4'))
    scores = [made.infer(clip, face='none').scores for made in (
        EmotionInferencer(trained_toy.checkpoint), EmotionInferencer.from_pretrained('ann/toy'))]
    assert scores[0] == scores[1]
    infer = ('infer.py', clip, '--face', 'none', '--checkpoint')
    assert call_tool(monkeypatch, *infer, 'hf://ann/toy', '--out', 'out') == 0
    assert call_tool(monkeypatch, 'test.py', trained_toy.config, 'hf://ann/toy', '--work-dir', tmp_path / 'test') == 0
    capsys.readouterr()
    assert call_tool(monkeypatch, *infer, 'hf://ann/gone') == 1
    assert capsys.readouterr().err.startswith('error: hf://ann/gone: there is no such repository')
    hub.repositories['ann/toy']['model.safetensors'] = b'no weights'
    with pytest.raises(InputError, match='cannot be read as a checkpoint'):
        EmotionInferencer.from_pretrained('ann/toy')


def test_who_may_not_push(trained_toy: TrainedToy, hub: Hub, monkeypatch: pytest.MonkeyPatch,
                          capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    checkpoint = torch.load(trained_toy.checkpoint, weights_only=False)
    checkpoint['meta'][META_KEY]['data'] = ['mine/train.csv']
    own = tmp_path / 'own.pth'
    torch.save(checkpoint, own)
    stated = ('--data-license', 'MIT')
    for repository, more, token, message in (
            ('ann/toy', (), TOKEN, 'state the license or the permission'),
            ('toy', stated, TOKEN, 'hf://toy: is no address'),
            ('ann/toy', stated, 'wrong', 'hf://ann/toy: the hub says 401 Unauthorized. Log in with a token'),
            ('ann/toy', stated, '', 'hf://ann/toy: nobody is logged in on this machine')):
        monkeypatch.setenv('HF_TOKEN', token)
        assert call_tool(monkeypatch, 'publish_model.py', own, '--push', repository, *more) == 1
        error = capsys.readouterr().err
        assert error.startswith('error: ') and message in error and error.count('\n') == 1
    assert hub.repositories == {}
    for usage in ((), ('a.safetensors', '--private')):
        assert call_tool(monkeypatch, 'publish_model.py', trained_toy.checkpoint, *usage) == 2
