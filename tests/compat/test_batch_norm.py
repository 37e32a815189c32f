"""Batch norms over all processes, of which one has no clip."""
from pathlib import Path

import torch
from batch_norm_components import train
from clean_forks import PROCESSES
from torch import nn

from claip_emo_mm.compat.distributed import without_statistics


def run(folder: Path, *lacking: int) -> list[dict[str, torch.Tensor]]:
    processes = [PROCESSES.Process(target=train, args=(rank, folder, lacking), daemon=True) for rank in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
        assert process.exitcode == 0
    return [torch.load(folder / f'{rank}.pt') for rank in range(2)]


def test_the_others_find_their_statistics_without_it(tmp_path: Path) -> None:
    full, lacking = run(tmp_path, 1)
    alone = nn.BatchNorm2d(3)
    x = full['x'].clone().requires_grad_()
    y = alone(x)
    (y ** 3).sum().backward()
    torch.testing.assert_close(full['y'], y.detach())
    torch.testing.assert_close(full['gradient'], x.grad)
    for found in (full, lacking):
        torch.testing.assert_close(found['mean'], alone.running_mean)
        torch.testing.assert_close(found['variance'], alone.running_var)
    torch.testing.assert_close(lacking['y'], torch.zeros(1, 3, 4, 2))  # by the running statistics: mean 0
    assert lacking['weight_gradient'] is not None


def test_statistics_stay_where_no_process_has_a_clip(tmp_path: Path) -> None:
    for found in run(tmp_path, 0, 1):
        assert found['mean'].tolist() == [0, 0, 0] and found['variance'].tolist() == [1, 1, 1]
        assert found['gradient'].isfinite().all()


def test_one_process_computes_as_in_evaluation() -> None:
    norm = nn.BatchNorm2d(3)
    norm.running_mean += 2
    with without_statistics(norm):
        y = norm(torch.full((1, 3, 1, 1), 5.))
    torch.testing.assert_close(y, torch.full((1, 3, 1, 1), 3 / (1 + norm.eps) ** .5))
    assert norm.training and norm.running_mean.tolist() == [2, 2, 2]
