"""Losses for rare classes, against numbers computed by hand, for plain and soft labels."""
import math
from collections.abc import Sequence

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.registry import DefaultScope

from claip_emo_mm.errors import InputError
from claip_emo_mm.models import ConcatFusionHead, LogitAdjustedLoss, SoftmaxFocalLoss

LOGITS = torch.log(torch.tensor([[.5, .25, .25], [.2, .2, .6]]))
LABELS = torch.tensor([0, 1])
SOFT = torch.tensor([[.8, .2, 0], [0, .5, .5]])


@pytest.mark.parametrize(('cfg', 'plain', 'soft'), [
    # Scores times frequencies (.2, .2, .6): .1 .05 .15 and .04 .04 .36, so 1/3 1/6 1/2 and 1/11 1/11 9/11.
    (dict(type='LogitAdjustedLoss', class_counts=[10, 10, 30]), (math.log(3) + math.log(11)) / 2,
     (.8 * math.log(3) + .2 * math.log(6) + .5 * math.log(11) + .5 * math.log(11 / 9)) / 2),
    # The classes' errors are 1/2 3/4 3/4 and .8 .8 .4; their squares weigh.
    (dict(type='SoftmaxFocalLoss', gamma=2), (.25 * math.log(2) + .64 * math.log(5)) / 2,
     (.8 * .25 * math.log(2) + .2 * .5625 * math.log(4) + .5 * .64 * math.log(5) - .5 * .16 * math.log(.6)) / 2),
    (dict(type='SoftmaxFocalLoss', gamma=1, class_weight=[1, 3, 2]), (.5 * math.log(2) + 3 * .8 * math.log(5)) / 4,
     (.8 * .5 * math.log(2) + .6 * .75 * math.log(4) + 1.5 * .8 * math.log(5) - 1 * .4 * math.log(.6)) / 3.9),
    # MMAction2's own
    (dict(type='CrossEntropyLoss', class_weight=[1, 3, 2]), (math.log(2) + 3 * math.log(5)) / 4,
     (.8 * math.log(2) + .6 * math.log(4) + 1.5 * math.log(5) - 1 * math.log(.6)) / 3.9),
])
def test_by_hand(cfg: dict, plain: float, soft: float) -> None:
    with DefaultScope.overwrite_default_scope('mmaction'):
        loss = MODELS.build(dict(cfg, loss_weight=3.))
    assert loss(LOGITS, LABELS).item() == pytest.approx(3 * plain)
    assert loss(LOGITS, SOFT).item() == pytest.approx(3 * soft)
    assert not loss.state_dict()


@pytest.mark.parametrize('loss', [LogitAdjustedLoss([1, 2, 3], tau=0), SoftmaxFocalLoss(gamma=0)])
def test_plain_cross_entropy_is_a_special_case(loss: torch.nn.Module) -> None:
    torch.testing.assert_close(loss(LOGITS, LABELS), torch.nn.functional.cross_entropy(LOGITS, LABELS))


@pytest.mark.parametrize('gamma', [.5, 2.])
def test_a_certain_clip_has_a_finite_gradient(gamma: float) -> None:
    logits = torch.tensor([[200., 0, 0]], requires_grad=True)
    for label in (0, 1):
        SoftmaxFocalLoss(gamma)(logits, torch.tensor([label])).backward()
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize('counts', [(), (3, 0, 1)])
def test_every_class_needs_clips(counts: Sequence[int]) -> None:
    with pytest.raises(InputError, match='Expected one number above 0 for each class'):
        LogitAdjustedLoss(counts)


@pytest.mark.parametrize('cfg', [dict(type='LogitAdjustedLoss', class_counts=[1, 2]),
                                 dict(type='SoftmaxFocalLoss', class_weight=[1, 2]),
                                 dict(type='CrossEntropyLoss', class_weight=[1, 2])])
def test_the_head_wants_a_number_for_each_class(cfg: dict) -> None:
    with (DefaultScope.overwrite_default_scope('mmaction'),
          pytest.raises(InputError, match=r'class_\w+ of loss_cls has 2 numbers, but num_classes=3')):
        ConcatFusionHead(3, visual_channels=1, loss_cls=cfg)
