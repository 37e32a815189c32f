"""Head and data set must have the same number of classes, and those with names in the same order."""
from collections.abc import Callable

import pytest
from mmengine.runner import Runner

from claip_emo_mm.errors import InputError


def test_head_with_too_many_outputs(make_runner: Callable[..., Runner]) -> None:
    message = r'cls_head\.num_classes is 4, .*train_dataloader has 3 classes: calm, loud, odd'
    with pytest.raises(InputError, match=message):
        make_runner(model__num_classes=4).train()


def test_validation_data_with_other_classes(make_runner: Callable[..., Runner]) -> None:
    with pytest.raises(InputError, match='val_dataloader has 2 classes'):
        make_runner(val_dataloader__dataset__classes=('calm', 'loud')).train()


@pytest.mark.parametrize('names, is_refused', [(['odd', 'calm', 'loud'], True), (['calm', 'loud', 'odd'], False),
                                               (['Calm', 'Loud', 'Odd'], False)])
def test_a_head_that_reads_the_names_in_another_order(make_runner: Callable[..., Runner], names: list[str],
                                                      is_refused: bool) -> None:
    runner = make_runner()
    runner.model.cls_head.classes = names
    if is_refused:
        with pytest.raises(InputError, match=r"set model\.cls_head\.classes=\['calm', 'loud', 'odd'\]"):
            runner.train()
    else:
        runner.train()
