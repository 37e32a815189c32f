"""A loss that is not a number names its clips."""
from types import SimpleNamespace

import pytest
import torch
from mmaction.structures import ActionDataSample

from claip_emo_mm.engine import CheckInvalidLossHook
from claip_emo_mm.errors import InputError


@pytest.mark.parametrize('value', [float('nan'), float('inf')])
def test_broken_loss(value: float) -> None:
    samples = [ActionDataSample(metainfo=dict(filename=name)) for name in ('a.mp4', 'b.mp4')]
    message = rf'iteration 8: loss_cls is {value}\. The clips of this batch: a\.mp4, b\.mp4'
    with pytest.raises(InputError, match=message):
        CheckInvalidLossHook().after_train_iter(SimpleNamespace(iter=7), 0, dict(data_samples=samples),
                                          dict(loss_cls=torch.tensor(value), top1_acc=torch.tensor(.5)))


def test_finite_loss() -> None:
    CheckInvalidLossHook().after_train_iter(SimpleNamespace(iter=7), 0, {}, dict(loss=torch.tensor(2.)))
