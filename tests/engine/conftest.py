"""Fixtures for the training infrastructure."""
import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from dummy_components import dummy_config
from mmengine.config import Config
from mmengine.runner import Runner

_names = itertools.count()


@pytest.fixture
def make_runner(tmp_path: Path) -> Callable[..., Runner]:
    """A function that builds a runner of the dummy config, with dotted options changed, in a folder of its own."""
    def make(**options: object) -> Runner:
        cfg = Config(dummy_config(tmp_path / 'work'))
        cfg.merge_from_dict({key.replace('__', '.'): value for key, value in options.items()})
        cfg.experiment_name = f'dummy_{next(_names)}'
        return Runner.from_cfg(cfg)

    return make
