"""A toy set whose features were extracted."""
from collections.abc import Callable
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope

from claip_emo_mm.engine.config import load_config
from claip_emo_mm.engine.feature_cache import extract_features
from claip_emo_mm.toy.dataset import make_toy_set

SPLITS = ('train', 'val', 'test')


@pytest.fixture(scope='session')
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """7 clips of each split."""
    folder = tmp_path_factory.mktemp('toy')
    make_toy_set(folder, clips=(7, 7, 7), workers=1)
    return folder


@pytest.fixture(scope='session')
def configured(toy: Path) -> Callable[..., Config]:
    """Reads a config of configs/cached for a cache and the toy set: 7 clips to train on, 2 for val, 3 for test."""
    def configure(cache: Path, name: str = 'temporal', **options: object) -> Config:
        init_default_scope('mmaction')
        return load_config(f'configs/cached/claip_emo_tiny_toy_{name}.py', {
            **{f'{split}_dataloader.dataset.data_root': str(toy) for split in SPLITS},
            'val_dataloader.dataset.indices': 2, 'test_dataloader.dataset.indices': 3,
            'feature_cache.dir': str(cache), **{key.replace('__', '.'): value for key, value in options.items()}})
    return configure


@pytest.fixture(scope='session')
def full_cache(configured: Callable[..., Config], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that nothing may be added to."""
    cache = tmp_path_factory.mktemp('features')
    extract_features(configured(cache), lambda text: None)
    return cache


@pytest.fixture
def texts() -> list[str]:
    """What an extraction reports, with ``texts.append``."""
    return []
