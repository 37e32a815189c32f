"""Checkpoints that somebody made to run code, given to the command lines: nothing runs, and one line says why."""
import json
import os
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from crafted_pickles import PickledCall
from dummy_components import write_dummy_config
from local_server import serve
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import DefaultScope
from tool_runs import ROOT, call_tool, fork_tool

from claip_emo_mm.engine.checkpoints import FORMAT, META_KEY, config_as_json
from claip_emo_mm.errors import InputError

TOY = json.loads(config_as_json(Config.fromfile(ROOT / 'configs' / 'claip_emo_tiny_toy.py')))
Refused = Callable[..., str]


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A folder with a checkpoint whose config names a program, and one that is a pickle of a call."""
    folder = tmp_path / 'hostile'
    folder.mkdir()
    evil = dict(type='os.mkdir', path=str(tmp_path / 'marker'))
    for name, cfg in (('config', dict(TOY, model=dict(TOY['model'], visual_neck=evil))), ('pipeline', dict(
            TOY, test_dataloader=dict(dataset=dict(pipeline=[evil]))))):
        metadata = dict(format=FORMAT, version='9', config=json.dumps(cfg), classes=['a'] * 7, front_end={},
                        backbones={})
        torch.save(dict(state_dict={}, meta={META_KEY: metadata}), folder / f'{name}.pth')
    torch.save(dict(state_dict=PickledCall(os.mkdir, str(tmp_path / 'marker'))), folder / 'call.pth')
    (folder / 'plain.pth').write_bytes(pickle.dumps(PickledCall(os.mkdir, str(tmp_path / 'marker'))))
    return folder


@pytest.fixture
def address(hostile: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Where they are served; the cache is empty."""
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'cache'))
    monkeypatch.setattr(torch.hub, '_hub_dir', None)
    with serve(hostile) as address:
        yield address


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> Refused:
    """Calls a tool, which must end with exit code 1 and one line; returns that."""
    def refused(name: str, *args: str | Path) -> str:
        capsys.readouterr()
        assert call_tool(monkeypatch, name, *args) == 1
        lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith('error: ')]
        assert len(lines) == 1 and not (tmp_path / 'marker').exists()
        return lines[0]

    return refused


def test_infer_and_demo_as_a_user_runs_them(hostile: Path, tmp_path: Path) -> None:
    (tmp_path / 'a.mp4').touch()
    for name, *args in (('infer.py', 'a.mp4'), ('demo.py', '--port', '7999')):
        result = fork_tool(name, *args, '--checkpoint', hostile / 'config.pth', cwd=tmp_path)
        assert result.returncode == 1
        assert result.stderr.splitlines()[-1].startswith(f"error: {hostile / 'config.pth'}: its config has "
                                                         "model.visual_neck.type='os.mkdir', expected ")
        assert 'Traceback' not in result.stderr and not (tmp_path / 'marker').exists()


def test_infer_and_attention(hostile: Path, address: str, tmp_path: Path, refused: Refused) -> None:
    (tmp_path / 'a.mp4').touch()
    for name, *args in (('infer.py', tmp_path / 'a.mp4', '--checkpoint'), ('analysis_tools/attention.py',)):
        rest = [] if args else ['a.mp4', '--out', tmp_path]
        for source, message in ((hostile / 'pipeline.pth', "test_dataloader.dataset.pipeline.0.type='os.mkdir'"),
                                (f'{address}/config.pth', "model.visual_neck.type='os.mkdir'"),
                                (f'{address}/call.pth', 'holds posix.mkdir'), (hostile / 'plain.pth', 'cannot be read'),
                                (f'{address}/gone.pth', 'cannot be downloaded (the server says 404')):
            assert f'{source}: ' in (line := refused(name, *args, source, *rest)) and message in line


def test_test_and_train(hostile: Path, address: str, tmp_path: Path, refused: Refused) -> None:
    config = write_dummy_config(tmp_path / f'{tmp_path.name}.py', tmp_path / 'work')
    for source in (f'{address}/call.pth', f'{address}/plain.pth', hostile / 'call.pth', f'{address}/gone.pth'):
        assert f'{source}: ' in refused('test.py', config, source)
        assert f'{source}: ' in refused('train.py', config, '--cfg-options', f'load_from={source}')
        assert f'{source}: ' in refused('train.py', config, '--resume', source)


def test_starting_weights_of_a_config(address: str, tmp_path: Path) -> None:
    for name in ('call', 'plain'):
        for wrapper, network in (
                ('Image', dict(type='ResNet', depth=18, init_cfg=dict(type='Pretrained',
                                                                      checkpoint=f'{address}/{name}.pth'))),
                ('Video', dict(type='TimeSformer', num_frames=2, img_size=32, patch_size=16, embed_dims=16,
                               num_heads=2, num_transformer_layers=1, pretrained=f'{address}/{name}.pth')),
                ('Video', dict(type='ResNet3dSlowOnly', depth=18, pretrained=f'{address}/{name}.pth', lateral=False))):
            with DefaultScope.overwrite_default_scope('mmaction'), pytest.raises(InputError, match=f'{name}.pth: '):
                MODELS.build(dict(type=f'{wrapper}BackboneWrapper', backbone=network))
    assert not (tmp_path / 'marker').exists()
