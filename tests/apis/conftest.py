"""A toy set and a checkpoint of the toy model, made once for all tests here."""
from pathlib import Path

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import DefaultScope

from claip_emo_mm.data_preparation.toy import make_toy_set
from claip_emo_mm.datasets import DFEW
from claip_emo_mm.engine.hooks.checkpoint_meta_hook import FORMAT, META_KEY, config_as_json

CONFIG = Path(__file__).parents[2] / 'configs' / 'claip_emo_tiny_toy.py'


@pytest.fixture(scope='session')
def toy_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a toy set with one person in each part."""
    folder = tmp_path_factory.mktemp('toy')
    make_toy_set(folder, clips=(7, 7, 7), workers=1)
    return folder


@pytest.fixture(scope='session')
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy model with a random neck and head, as tools/train.py saves it."""
    cfg = Config.fromfile(CONFIG)
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmaction'):
        model = MODELS.build(cfg.model)
    path = tmp_path_factory.mktemp('checkpoint') / 'epoch_1.pth'
    facts = dict(format=FORMAT, version='test', config=config_as_json(cfg), classes=list(DFEW.classes))
    torch.save(dict(state_dict=model.state_dict(), meta={META_KEY: facts}), path)
    return path
