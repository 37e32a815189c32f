"""Reading a config, and setting it up for a run."""
from pathlib import Path

import pytest
from mmengine.config import Config

from claip_emo_mm.engine import config as config_module
from claip_emo_mm.engine.config import find_config, load_config, set_launcher, set_work_dir
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


@pytest.mark.parametrize('text, options, expected', [
    ("model.update(data_preprocessor=dict(type='P', mean=1))", {'data_preprocessor.mean': 2},
     r'--cfg-options data_preprocessor\.mean: has no effect, .*; set model\.data_preprocessor\.mean\.'),
    ("model.update(data_preprocessor=dict(type='P', mean=1))\ndata_preprocessor = dict(type='P')", {},
     r'small\.py: data_preprocessor at the top: has no effect, .* set model\.data_preprocessor\.'),
    ('', {'custom_imports.imports': ['x']}, r'custom_imports\.imports: has no effect: the config was read'),
    ('', {'launcher': 'pytorch'}, 'launcher: has no effect: --launcher says'),
    ('', {'strategy.type': 'FSDPStrategy'}, "strategy.type: has no effect: only runner_type='FlexibleRunner' reads"),
    ("runner_type = 'FlexibleRunner'\nstrategy = dict(type='X')", {'sync_bn': 'torch'},
     "sync_bn: has no effect: runner_type='FlexibleRunner' does not read it"),
])
def test_options_without_effect(config_file: Path, text: str, options: dict, expected: str) -> None:
    config_file.write_text(f"model = dict(type='DummyModel')\ncustom_hooks = [dict(type='A')]\n{text}\n")
    with pytest.raises(InputError, match=expected):
        load_config(config_file, options)


@pytest.mark.parametrize('text, options', [
    ('', {'data_preprocessor.mean': 2, 'optim_wrapper.clip_grad.max_norm': 1., 'sync_bn': 'torch', 'compile': True}),
    ("data_preprocessor = dict(type='P')\nmodel.update(data_preprocessor=data_preprocessor)", {'model.width': 3}),
    ("runner_type = 'FlexibleRunner'\nstrategy = dict(type='X')", {'strategy.sync_bn': 'torch'}),
])
def test_options_with_effect(config_file: Path, text: str, options: dict) -> None:
    config_file.write_text(f"model = dict(type='DummyModel')\ncustom_hooks = [dict(type='A')]\n{text}\n")
    load_config(config_file, options)


FOLDS = '''
model = dict(type='A')
fold = 1
train_dataloader = dict(dataset=dict(type='RepeatDataset', times=2, dataset=dict(type='B', fold=fold)))
val_dataloader = dict(dataset=dict(type='B', fold=fold, part='test'))
test_dataloader = dict(dataset=dict(type='ConcatDataset', datasets=[dict(type='B', fold=fold), dict(type='C')]))
'''


def folds_of(cfg: Config) -> list[int]:
    return [cfg.train_dataloader.dataset.dataset.fold, cfg.val_dataloader.dataset.fold,
            cfg.test_dataloader.dataset.datasets[0].fold]


def test_one_key_chooses_the_fold_of_every_loader(config_file: Path) -> None:
    config_file.write_text(FOLDS)
    assert folds_of(load_config(config_file)) == [1, 1, 1]
    cfg = load_config(config_file, dict(fold=3))
    assert folds_of(cfg) == [3, 3, 3] and cfg.fold == 3
    assert 'fold' not in cfg.test_dataloader.dataset.datasets[1]
    cfg = load_config(config_file, {'fold': 3, 'val_dataloader.dataset.fold': 2})
    assert folds_of(cfg) == [3, 2, 3]  # the longer path says more


def test_a_fold_without_effect_is_refused(config_file: Path) -> None:
    with pytest.raises(InputError, match=r'--cfg-options fold=3: no data loader of .*small\.py has a .fold'):
        load_config(config_file, dict(fold=3))
    config_file.write_text(FOLDS)
    (leaf := config_file.with_name('leaf.py')).write_text("_base_ = 'small.py'\nfold = 4\n")
    with pytest.raises(InputError, match=r'leaf\.py: fold=4, but train_dataloader\.dataset\.dataset\.fold=1, val_.*'
                                         r'test_dataloader\.dataset\.datasets\.0\.fold=1\. .* --cfg-options fold=4'):
        load_config(leaf)
    assert folds_of(load_config(leaf, dict(fold=4))) == [4, 4, 4]


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


def test_configs_of_the_installed_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = tmp_path / 'installed'
    (installed / 'mix').mkdir(parents=True)
    for name in ('one.py', 'mix/two.py'):
        (installed / name).write_text('a = 1')
    monkeypatch.setattr(config_module, '_CONFIGS', installed)
    monkeypatch.chdir(tmp_path)
    for path in ('one.py', 'configs/one.py', 'mix/two.py', 'configs/mix/two.py'):
        assert find_config(path) == installed / path.removeprefix('configs/')
    for path in ('mine/one.py', '/one.py', str(tmp_path / 'one.py'), 'one', 'two.py', ''):
        with pytest.raises(InputError, match='there is no such config file, and the package has none of this name'):
            find_config(path)
    (tmp_path / 'one.py').write_text('a = 2')
    assert find_config('one.py') == Path('one.py')
