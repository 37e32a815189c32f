"""Misspelt and missing keys at the top of a config."""
from pathlib import Path

import pytest
from dummy_components import dummy_config
from mmengine.config import Config

from claip_emo_mm.engine.config_checks import check_groups, check_option_paths, check_top_level, inexact_options
from claip_emo_mm.errors import InputError


@pytest.fixture
def cfg(tmp_path: Path) -> Config:
    path = tmp_path / 'some_config.py'
    path.touch()
    return Config(dummy_config(tmp_path), filename=str(path))


@pytest.mark.parametrize('slip, right', [
    ('optim_wraper', 'optim_wrapper'), ('train_config', 'train_cfg'), ('val_dataloaders', 'val_dataloader'),
    ('load_form', 'load_from'), ('resmue', 'resume'), ('custom_hook', 'custom_hooks'),
])
def test_slip_is_refused(cfg: Config, slip: str, right: str) -> None:
    cfg[slip] = {}
    with pytest.raises(InputError, match=f"some_config.py: '{slip}' is not a key .* did you mean '{right}'"):
        check_top_level(cfg)


def test_helper_variables_are_allowed(cfg: Config) -> None:
    for name in ('train_pipeline', 'data_root', 'dataset_type', 'optimizer', 'train_dataset', 'base_batch_size', 'lr'):
        cfg[name] = 1
    check_top_level(cfg)


def test_model_is_needed(cfg: Config) -> None:
    cfg.model = None
    with pytest.raises(InputError, match='has no model'):
        check_top_level(cfg)


def test_incomplete_groups(cfg: Config) -> None:
    check_groups(cfg, 'train', 'test')
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    check_groups(cfg, 'train', 'test')
    cfg.test_cfg = None
    with pytest.raises(InputError, match='test_cfg is missing; test_dataloader, test_cfg, test_evaluator are needed'):
        check_groups(cfg, 'train')


def test_missing_group(cfg: Config) -> None:
    cfg.train_dataloader = cfg.train_cfg = cfg.optim_wrapper = None
    check_groups(cfg, 'test')
    with pytest.raises(InputError, match='train_dataloader, train_cfg, optim_wrapper are missing'):
        check_groups(cfg, 'train')


def test_options_that_change_scores() -> None:
    exact = dict(type='A', precision='fp32', visual_backbone=dict(merged_tokens=0), data_preprocessor=None)
    assert inexact_options(Config(dict(model=exact))) == {}
    found = inexact_options(Config(dict(model=dict(
        exact, precision='bf16', visual_backbone=dict(merged_tokens=8, int8=True),
        data_preprocessor=dict(frame_tolerance=1.5)))))
    assert found == {'model.precision': 'bf16', 'model.visual_backbone.merged_tokens': 8,
                     'model.visual_backbone.int8': True, 'model.data_preprocessor.frame_tolerance': 1.5}


def test_option_paths(cfg: Config) -> None:
    check_option_paths(cfg, {'train_cfg.max_epochs': 1, 'load_from': 'x.pth', 'custom_hooks.0.type': 'x'})
    cfg.data_root = 'data'
    cfg.used = [1, 2]
    cfg.test_dataloader.dataset.update(data_root='data', indices=[1, 2])
    with pytest.raises(InputError, match=r"'data_root' is a helper .* used: test_dataloader\.dataset\.data_root\.$"):
        check_option_paths(cfg, {'data_root': 'elsewhere'})
    with pytest.raises(InputError, match=r'used: test_dataloader\.dataset\.indices\.$'):
        check_option_paths(cfg, {'used.0': 3})
    with pytest.raises(InputError, match="trian_cfg.max_epochs: .*some_config.py has no 'trian_cfg'; .*'train_cfg'"):
        check_option_paths(cfg, {'trian_cfg.max_epochs': 1})
