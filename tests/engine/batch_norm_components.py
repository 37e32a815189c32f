"""One of two processes with a batch norm over the clips of both, for test_batch_norm_apart.py."""
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn

from claip_emo_mm.compat.distributed import without_statistics


def train(rank: int, folder: Path, lacking: tuple[int, ...]) -> None:
    """Normalize 5 clips, or a dummy one that does not count; save output, gradients and statistics."""
    dist.init_process_group('gloo', init_method=f'file://{folder}/meeting', rank=rank, world_size=2)
    torch.manual_seed(0)
    network = nn.Sequential(nn.SyncBatchNorm(3))
    x = torch.randn(5, 3, 4, 2) if rank not in lacking else torch.zeros(1, 3, 4, 2)
    x.requires_grad_()
    if rank in lacking:
        with without_statistics(network):
            y = network(x)
        assert network.training and network[0].training and 'forward' not in vars(network[0])
    else:
        y = network(x)
    (y ** 3).sum().backward()
    torch.save(dict(x=x.detach(), y=y.detach(), gradient=x.grad, weight_gradient=network[0].weight.grad,
                    mean=network[0].running_mean, variance=network[0].running_var), folder / f'{rank}.pt')
    dist.destroy_process_group()
