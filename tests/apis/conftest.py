"""A toy set and a checkpoint of the toy model, made once for all tests here."""
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import DefaultScope
from page_browser import open_browser

from claip_emo_mm.datasets import DFEW
from claip_emo_mm.engine.checkpoints import META_KEY, frozen_keys, make_metadata, weight_hash
from claip_emo_mm.toy.dataset import make_toy_set

CONFIG = Path(__file__).parents[2] / 'configs' / 'claip_emo_tiny_toy.py'


@pytest.fixture(scope='session')
def toy_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a toy set with one person in each split."""
    folder = tmp_path_factory.mktemp('toy')
    make_toy_set(folder, clips=(7, 7, 7), workers=1)
    return folder


@pytest.fixture(scope='session')
def config() -> Config:
    """The toy model's config, with the encoders that come with the package."""
    return Config.fromfile(CONFIG)


@pytest.fixture(scope='session')
def checkpoint(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy model with a random neck and head, as tools/train.py saves it."""
    cfg = config
    torch.manual_seed(1)
    with DefaultScope.overwrite_default_scope('mmaction'):
        model = MODELS.build(cfg.model)
    path = tmp_path_factory.mktemp('checkpoint') / 'epoch_1.pth'
    frozen_names = frozen_keys(model)
    hashes = {name: weight_hash(model, keys) for name, keys in frozen_names.items()}
    metadata = make_metadata(cfg, DFEW.classes, model, hashes)
    frozen = {key for keys in frozen_names.values() for key in keys}
    state = {key: value for key, value in model.state_dict().items() if key not in frozen}
    torch.save(dict(state_dict=state, meta={META_KEY: metadata}), path)
    return path


@pytest.fixture(scope='module')
def browser() -> Iterator[Any]:
    """Headless Chromium for the tests of a page."""
    driver = open_browser()
    yield driver
    driver.quit()
