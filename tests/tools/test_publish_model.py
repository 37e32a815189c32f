"""tools/publish_model.py as a user runs it."""
import hashlib
import json
import shutil
import struct
from pathlib import Path

import pytest
import torch
from dummy_components import write_dummy_config
from hub_server import TOKEN, Hub
from safetensors import safe_open
from tool_runs import TrainedToy, call_tool

from claip_emo_mm.apis import EmotionInferencer
from claip_emo_mm.engine.checkpoints import META_KEY, hash_checkpoint
from claip_emo_mm.engine.checkpoints.calibrate import write_calibration
from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation.calibration import Calibration


def test_published_file_is_tested_with(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture,
                                       tmp_path: Path) -> None:
    work, out = tmp_path / 'work', tmp_path / 'new' / 'shared.safetensors'
    config = write_dummy_config(tmp_path / f'{tmp_path.name}.py', work, 'model.update(source=3)')
    assert call_tool(monkeypatch, 'train.py', config) == 0
    capsys.readouterr()
    assert call_tool(monkeypatch, 'publish_model.py', work / 'epoch_1.pth', out) == 0
    assert capsys.readouterr().out == (
        f'The card has no metrics: {work}/test_metrics.json is not there. Test this model as it is: tools/test.py '
        f'CONFIG {work}/epoch_1.pth --work-dir {work}\n{out}: 0.00 MB; card: {out.with_suffix(".md")}\n')
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


def test_metrics_of_the_card(trained_toy: TrainedToy, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture,
                             tmp_path: Path) -> None:
    work, card = tmp_path / 'work', tmp_path / 'out.md'
    work.mkdir()
    checkpoint = work / 'a.pth'
    shutil.copy(trained_toy.checkpoint, checkpoint)

    def test(*flags: str) -> float:
        monkeypatch.chdir(work)
        assert call_tool(monkeypatch, 'test.py', trained_toy.config, 'a.pth', '--work-dir', '.', *flags) == 0
        return json.loads((work / 'test_metrics.json').read_text())['metrics']['WAR']

    def published() -> tuple[str, str]:
        monkeypatch.chdir(tmp_path)
        capsys.readouterr()
        assert call_tool(monkeypatch, 'publish_model.py', checkpoint, tmp_path / 'out.safetensors') == 0
        return card.read_text(), capsys.readouterr().out

    for flags in (('--modality', 'visual'), ('--cfg-options', 'model.adapter_scale=0')):
        test(*flags)
        text, said = published()
        assert 'Not measured' in text and '| WAR |' not in text
        assert ('of one modality' if flags[1] == 'visual' else 'of scaled adapters') in said
    row = f'| WAR | {test():.2f} %'
    text, said = published()
    assert row in text and '| calibration error, before calibration |' in text and 'no metrics' not in said
    write_calibration(checkpoint, Calibration(.125, 9, 2., 1.))  # which changes the file, but not its weights
    text, said = published()
    assert row in text and 'logits divided by 0.125' in text and 'no metrics' not in said
    other = torch.load(checkpoint, weights_only=False)
    next(iter(other['state_dict'].values())).view(-1)[0] += 1
    torch.save(other, checkpoint)
    text, said = published()
    assert row not in text and f'is of other weights ({work}/a.pth as it was tested)' in said


def test_hash_of_the_weights(tmp_path: Path) -> None:
    values = torch.tensor([[1., 2.]])
    torch.save(dict(state_dict={'module.b': values, 'a': values[0, :1].half()}, meta=dict(epoch=1),
                    ema_state_dict={'b': -values}), tmp_path / 'a.pth')
    expected = hashlib.sha256(b'a torch.float16 (1,)\n' + struct.pack('<e', 1) +
                              b'b torch.float32 (1, 2)\n' + struct.pack('<ff', 1, 2)).hexdigest()
    assert hash_checkpoint(tmp_path / 'a.pth') == expected


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
