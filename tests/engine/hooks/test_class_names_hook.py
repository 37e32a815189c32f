"""Head, data set and checkpoint must speak of the same classes."""
from collections.abc import Callable

import pytest
import torch
from mmengine.runner import Runner

from claip_emo_mm.errors import InputError


def test_head_with_too_many_outputs(make_runner: Callable[..., Runner]) -> None:
    message = r'cls_head\.num_classes is 4, .*train_dataloader has 3 classes: calm, loud, odd'
    with pytest.raises(InputError, match=message):
        make_runner(model__num_classes=4).train()


def test_validation_data_with_other_classes(make_runner: Callable[..., Runner]) -> None:
    with pytest.raises(InputError, match='val_dataloader has 2 classes'):
        make_runner(val_dataloader__dataset__classes=('calm', 'loud')).train()


def test_checkpoint_of_other_classes_is_not_tested(make_runner: Callable[..., Runner]) -> None:
    trained = make_runner()
    trained.train()
    checkpoint = f'{trained.work_dir}/epoch_1.pth'
    assert make_runner(load_from=checkpoint).test()['WAR'] >= 0
    swapped = make_runner(load_from=checkpoint, test_dataloader__dataset__classes=('loud', 'calm', 'odd'))
    with pytest.raises(InputError, match='knows the classes calm, loud, odd; the test data set has loud, calm, odd'):
        swapped.test()


def test_foreign_checkpoint_is_left_alone(make_runner: Callable[..., Runner]) -> None:
    runner = make_runner()
    path = f'{runner.work_dir}/weights_only.pth'
    torch.save(runner.model.state_dict(), path)
    assert make_runner(load_from=path).test()['WAR'] >= 0
