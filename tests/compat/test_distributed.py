"""What the two patches pass on to torch; tests of real processes are in test_processes.py."""
import mmengine.dist.utils as dist_utils
import pytest
import torch
from mmengine.model import MMDistributedDataParallel
from torch import nn
from torch.nn.parallel import DistributedDataParallel

import claip_emo_mm  # noqa: F401 - patches MMAction2


@pytest.mark.parametrize('launch', ['_init_dist_pytorch', '_init_dist_mpi', '_init_dist_slurm'])
@pytest.mark.parametrize(('cuda', 'asked', 'backend', 'devices'), [
    (True, 'nccl', 'nccl', [3]),
    (False, 'nccl', 'gloo', []),
    (False, 'mpi', 'mpi', []),
])
def test_launch_changes_only_what_needs_cuda(launch, cuda, asked, backend, devices, monkeypatch):
    for name, value in dict(RANK='3', LOCAL_RANK='3', WORLD_SIZE='4', MASTER_ADDR='127.0.0.1', MASTER_PORT='29500',
                            OMPI_COMM_WORLD_LOCAL_RANK='3', OMPI_COMM_WORLD_RANK='3', OMPI_COMM_WORLD_SIZE='4',
                            SLURM_PROCID='3', SLURM_LOCALID='3', SLURM_NTASKS='4', SLURM_NODELIST='n').items():
        monkeypatch.setenv(name, value)
    chosen, started = [], []
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: cuda)
    monkeypatch.setattr(torch.cuda, 'set_device', chosen.append)
    monkeypatch.setattr(torch.distributed, 'init_process_group', lambda **kwargs: started.append(kwargs))
    getattr(dist_utils, launch)(asked)
    assert chosen == devices
    assert started == [dict(backend=backend)]
    torch.cuda.set_device(5)  # works again after the start
    assert chosen == [*devices, 5]


@pytest.mark.parametrize(('device', 'device_ids'), [('cpu', None), ('meta', [1])])
def test_data_parallel_drops_device_ids_only_on_cpu(device, device_ids, monkeypatch):
    seen = {}

    def record(self, module, **kwargs):
        nn.Module.__init__(self)
        seen.update(kwargs)

    monkeypatch.setattr(DistributedDataParallel, '__init__', record)
    MMDistributedDataParallel(module=nn.Linear(2, 3, device=device), device_ids=[1], find_unused_parameters=True)
    assert seen == dict(device_ids=device_ids, find_unused_parameters=True)
