"""Two real processes without a GPU: mmengine's runners train, save and resume, and compute what plain torch does."""
from pathlib import Path

import pytest
import torch
from clean_forks import run_forks
from tool_runs import free_port
from torch import nn

from claip_emo_mm.compat.safe_load import load_from_local
from claip_emo_mm.errors import InputError

SCRIPT = Path(__file__).with_name('tiny_training.py')

# What mmengine alone does on such a machine, step by step with the step before patched by hand.
WITHOUT_THE_PACKAGE = """
import torch, mmengine.dist
from mmengine.model import MMDistributedDataParallel
from mmengine.model.wrappers import MMFullyShardedDataParallel

def attempt(function, *arguments, **options):
    try:
        function(*arguments, **options)
    except Exception as error:
        print('BROKEN:', str(error).splitlines()[0])

attempt(mmengine.dist.init_dist, 'pytorch')
torch.cuda.set_device = lambda device: None
attempt(mmengine.dist.init_dist, 'pytorch')
mmengine.dist.init_dist('pytorch', backend='gloo')
attempt(MMDistributedDataParallel, module=torch.nn.Linear(2, 3), device_ids=[0])
attempt(MMFullyShardedDataParallel, module=torch.nn.Linear(2, 3), device_id=0)
"""


@pytest.fixture(scope='module')
def trained(tmp_path_factory) -> Path:
    """Folder with the checkpoints of `tiny_training.py`, run in two processes."""
    folder = tmp_path_factory.mktemp('trained')
    torchrun = dict(WORLD_SIZE='2', MASTER_ADDR='127.0.0.1', MASTER_PORT=str(free_port()))  # what it says to each
    results = run_forks(*[[SCRIPT, folder]] * 2, cwd=folder, variables=[
        dict(torchrun, RANK=rank, LOCAL_RANK=rank) for rank in '01'])
    assert [result.returncode for result in results] == [0, 0], results[0].stderr + results[1].stderr
    return folder


@pytest.fixture(scope='module')
def expected() -> tuple[dict, dict]:
    """Weights and AdamW's states after two epochs of two steps of four samples, by plain torch in one process."""
    torch.manual_seed(7)
    model = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 3))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    samples = torch.stack([torch.linspace(-1, 1, 5).roll(number) * (number + 1) for number in range(8)])
    labels = torch.arange(8) % 3
    for start in (0, 4, 0, 4):
        loss = nn.functional.cross_entropy(model(samples[start:start + 4]), labels[start:start + 4])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    names = ('first.weight', 'first.bias', 'second.weight', 'second.bias')
    parameters = dict(zip(names, model.parameters(), strict=True))
    return ({name: value.detach() for name, value in parameters.items()},
            {name: optimizer.state[value] for name, value in parameters.items()})


@pytest.mark.parametrize('kind', ['data_parallel', 'fsdp'])
def test_resumed_training_matches_plain_torch(kind, trained, expected):
    checkpoint = load_from_local(str(trained / kind / 'epoch_2.pth'))
    weights, states = expected
    assert checkpoint['meta']['iter'] == 4
    assert set(checkpoint['state_dict']) == set(weights)
    saved = checkpoint['optimizer']['state']
    for index, (name, weight) in enumerate(weights.items()):
        torch.testing.assert_close(checkpoint['state_dict'][name], weight, rtol=1e-4, atol=1e-6)
        state = saved[name] if name in saved else saved[index]
        for key in ('step', 'exp_avg', 'exp_avg_sq'):
            torch.testing.assert_close(state[key], states[name][key], rtol=1e-3, atol=1e-7)


def test_shards_of_fsdp_are_refused_with_the_setting_that_works(trained):
    with pytest.raises(InputError, match="state_dict_cfg='full'"):
        load_from_local(str(trained / 'fsdp_local' / 'epoch_1.pth' / 'rank0.pth'))


def test_mmaction_is_broken_without_the_package(fresh_python):
    result = fresh_python('-c', WITHOUT_THE_PACKAGE, RANK='0', LOCAL_RANK='0', WORLD_SIZE='1',
                          MASTER_ADDR='127.0.0.1', MASTER_PORT=str(free_port()))
    broken = [line for line in result.stdout.splitlines() if line.startswith('BROKEN')]
    assert len(broken) == 4, result.stdout + result.stderr
    assert any(text in broken[0] for text in ('_cuda_setDevice', 'NVIDIA driver'))
    assert 'nccl' in broken[1].lower()  # torch 2.15 has another in its place, nccl2
    assert 'device_ids' in broken[2]
    assert any(text in broken[3] for text in ('accelerator device', 'NVIDIA driver'))
