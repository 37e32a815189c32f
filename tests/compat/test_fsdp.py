"""What the patches pass on to torch; tests of real processes are in test_processes.py."""
import mmengine._strategy.fsdp as mmengine_fsdp
import pytest
import torch
from mmengine.model.wrappers import MMFullyShardedDataParallel
from torch import nn
from torch.distributed.fsdp import FullOptimStateDictConfig, FullyShardedDataParallel, StateDictType

import claip_emo_mm  # noqa: F401 - patches MMAction2


@pytest.mark.parametrize(('accelerator', 'device_id'), [(True, 1), (False, torch.device('cpu'))])
def test_device_is_the_cpu_only_without_an_accelerator(accelerator, device_id, monkeypatch):
    seen = {}

    def record(self, **kwargs):
        nn.Module.__init__(self)
        seen.update(kwargs)

    monkeypatch.setattr(torch.accelerator, 'is_available', lambda: accelerator)
    monkeypatch.setattr(FullyShardedDataParallel, '__init__', record)
    MMFullyShardedDataParallel(module=nn.Linear(2, 3), device_id=1)
    assert seen['device_id'] == device_id
    assert seen['use_orig_params'] is True


@pytest.mark.parametrize('accelerator', [True, False])
def test_offloading_is_cleared_only_without_an_accelerator(accelerator, monkeypatch):
    model = nn.Linear(2, 3)
    config = FullOptimStateDictConfig(offload_to_cpu=True, rank0_only=True)
    monkeypatch.setattr(torch.accelerator, 'is_available', lambda: accelerator)
    seen = []
    monkeypatch.setattr('torch.distributed.fsdp._traversal_utils._get_fsdp_states', lambda module: [Recorder(seen)])
    MMFullyShardedDataParallel.set_state_dict_type(model, StateDictType.FULL_STATE_DICT, None, config)
    assert seen == [FullOptimStateDictConfig(offload_to_cpu=accelerator, rank0_only=True)]
    assert config.offload_to_cpu is True


def test_old_order_of_arguments_reaches_torch_in_the_new_one(monkeypatch):
    seen = []
    monkeypatch.setattr(FullyShardedDataParallel, 'optim_state_dict_to_load',
                        staticmethod(lambda model, optim, optim_state_dict: seen.append((model, optim,
                                                                                         optim_state_dict))))
    mmengine_fsdp.FSDP.optim_state_dict_to_load(dict(state={}), 'model', 'optimizer')
    assert seen == [('model', 'optimizer', dict(state={}))]


class Recorder:
    """A state of FSDP that notes the config of the optimizer's state dict."""

    def __init__(self, seen: list) -> None:
        object.__setattr__(self, 'seen', seen)
        for name in ('_state_dict_type', '_state_dict_config'):
            object.__setattr__(self, name, None)
        object.__setattr__(self, '_optim_state_dict_config', None)

    def __setattr__(self, name: str, value: object) -> None:
        if name == '_optim_state_dict_config':
            self.seen.append(value)
