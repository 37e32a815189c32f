"""Trainable parameters in the log; a model without any is refused."""
from collections.abc import Callable
from pathlib import Path

import pytest
from mmengine.runner import Runner

from claip_emo_mm.errors import InputError


def test_logs_trainable_and_total_parameters(make_runner: Callable[..., Runner]) -> None:
    runner = make_runner()
    runner.train()
    log = _log(runner)
    assert 'Trainable parameters: 15 of 35 (42.86 %)' in log
    assert 'backbone  0 of 20 (0.00 %)' in log
    assert 'cls_head  15 of 15 (100.00 %)' in log


def test_refuses_to_train_nothing(make_runner: Callable[..., Runner]) -> None:
    with pytest.raises(InputError, match=r'0 of 35 parameters .*model\.backbone \(20\), model\.cls_head \(15\)'):
        make_runner(model__frozen_head=True).train()


def _log(runner: Runner) -> str:
    return next(Path(runner.log_dir).glob('*.log')).read_text()
