"""Random numbers of an iteration depend on the run's seed and the iteration's number, and on nothing else."""
import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmaction.registry import HOOKS
from mmengine import dist
from mmengine.runner import utils

from claip_emo_mm.models.mixup import AudioVisualMixup


def samples(iteration: int, seed: int = 3, diff_rank_seed: bool = False) -> tuple[float, ...]:
    """Numbers of all three generators, and what dropout and mixup make of them, in an iteration of a run."""
    runner = SimpleNamespace(seed=seed, iter=iteration, _randomness_cfg=dict(diff_rank_seed=diff_rank_seed))
    HOOKS.build(dict(type='IterationSeedHook')).before_train_iter(runner, batch_idx=0)
    dropped = torch.nn.functional.dropout(torch.arange(64.), .5).sum().item()
    labels = AudioVisualMixup(2, label_smoothing=0)(None, torch.zeros(2, 1, 16, 16), torch.tensor([0, 1]))
    return random.random(), np.random.rand(), torch.rand(1).item(), dropped, labels[0, 0].item()


def test_every_iteration_has_random_numbers_of_its_own() -> None:
    sampled = np.array([samples(iteration) for iteration in range(50)])
    for column in sampled.T:
        assert len(set(column.tolist())) > 40  # dropout's sums may agree now and then


def test_an_iteration_has_the_same_random_numbers_in_every_run() -> None:
    first = samples(7)
    torch.rand(5), np.random.rand(3), random.random()
    assert samples(7) == first
    assert all(one != other for one, other in zip(samples(7, seed=4), first, strict=True))


@pytest.mark.parametrize('different', [True, False])
def test_processes_have_numbers_of_their_own_where_asked(different: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    first = samples(7, diff_rank_seed=different)
    monkeypatch.setattr(utils, 'get_rank', lambda: dist.get_rank() + 1)
    second = samples(7, diff_rank_seed=different)
    assert (first != second) is different
