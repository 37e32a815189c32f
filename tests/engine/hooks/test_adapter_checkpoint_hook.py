"""Metadata in the checkpoints of a training."""
import json
from collections.abc import Callable

import pytest
import torch
from mmengine.config import Config
from mmengine.logging import HistoryBuffer
from mmengine.runner import Runner

from claip_emo_mm.engine.checkpoints import config_as_json
from claip_emo_mm.errors import InputError
from claip_emo_mm.version import FORMAT, __version__


def test_checkpoint_carries_config_and_classes(make_runner: Callable[..., Runner]) -> None:
    runner = make_runner(model__width=4)
    runner.train()
    meta = torch.load(f'{runner.work_dir}/epoch_1.pth', weights_only=False)['meta']['claip_emo_mm']
    assert meta['format'] == FORMAT and meta['classes'] == ['calm', 'loud', 'odd']
    config = json.loads(meta['config'])
    assert config['model'] == dict(type='DummyModel', num_classes=3, width=4)
    assert config['test_dataloader']['dataset']['type'] == 'DummyDataset'


def test_classes_and_tuples_as_json() -> None:
    text = config_as_json(Config(dict(hook=dict(type=HistoryBuffer, size=(2, 3)))))
    assert json.loads(text) == dict(hook=dict(type='mmengine.logging.history_buffer.HistoryBuffer', size=[2, 3]))


def test_refuses_before_the_training_what_json_cannot_hold(make_runner: Callable[..., Runner]) -> None:
    runner = make_runner(visible={1, 2})
    with pytest.raises(InputError, match=r'holds \{1, 2\} \(set\), which cannot be kept'):
        runner.train()


def test_version_is_the_package_s(make_runner: Callable[..., Runner]) -> None:
    runner = make_runner()
    runner.train()
    meta = torch.load(f'{runner.work_dir}/epoch_1.pth', weights_only=False)['meta']['claip_emo_mm']
    assert meta['version'] == __version__
