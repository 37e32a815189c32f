"""Reading a config, and setting it up for a run."""
from pathlib import Path

import pytest
from mmengine.config import Config

from claip_emo_mm.engine.run_config import load_config, set_launcher, set_work_dir
from claip_emo_mm.errors import InputError


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    path = tmp_path / 'small.py'
    (tmp_path / 'parent.py').write_text('a = 1\nb = 2\nc = = 3\n')
    path.write_text("model = dict(type='DummyModel')\ncustom_hooks = [dict(type='A')]\n")
    return path


def test_options_are_applied(config_file: Path) -> None:
    cfg = load_config(config_file, {'model.width': 5, 'custom_hooks.0.type': 'B', 'load_from': 'x.pth'})
    assert cfg.model.width == 5 and cfg.custom_hooks[0].type == 'B' and cfg.load_from == 'x.pth'


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r'nowhere\.py: there is no such config file'):
        load_config(tmp_path / 'nowhere.py')


@pytest.mark.parametrize('text, expected', [
    ('\nmodel = dict(\n', r"small\.py:2: the config cannot be read: '\(' was never closed"),
    ("_base_ = 'parent.py'\n", r"parent\.py:3: the config cannot be read: invalid syntax"),
    ("model = dict(type='A')\nlr = base_lr * 2\n", r"small\.py:2: .*NameError: name 'base_lr' is not defined"),
    ("_base_ = 'gone.py'\nmodel = dict()\n", r'small\.py: the config cannot be read: .*gone\.py'),
    ("model = dict(type='A')\ncustom_imports = dict(imports=['no_such_module'])\n", 'no_such_module'),
])
def test_unreadable_config(config_file: Path, text: str, expected: str) -> None:
    config_file.write_text(text)
    with pytest.raises(InputError, match=expected):
        load_config(config_file)


def test_option_without_a_place(config_file: Path) -> None:
    with pytest.raises(InputError, match=r'custom_hooks\.7\.type: Index 7 exceeds the length of list'):
        load_config(config_file, {'custom_hooks.7.type': 'B'})


def test_work_dir(tmp_path: Path) -> None:
    cfg = Config(dict())
    set_work_dir(cfg, None, 'configs/claip_emo_tiny_toy.py')
    assert cfg.work_dir == './work_dirs/claip_emo_tiny_toy'
    cfg.work_dir = 'from_config'
    set_work_dir(cfg, None, 'configs/a.py')
    assert cfg.work_dir == 'from_config'
    set_work_dir(cfg, 'argument', 'configs/a.py')
    assert cfg.work_dir == 'argument'
    (tmp_path / 'file').touch()
    with pytest.raises(InputError, match='the work folder is a file'):
        set_work_dir(cfg, str(tmp_path / 'file'), 'configs/a.py')


def test_launcher_without_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv('RANK', raising=False)
    with pytest.raises(InputError, match='--launcher pytorch: the environment has no RANK, so torchrun did not start'):
        set_launcher(Config(dict()), 'pytorch')
    monkeypatch.setenv('RANK', '0')
    cfg = Config(dict())
    set_launcher(cfg, 'pytorch')
    assert cfg.launcher == 'pytorch'
