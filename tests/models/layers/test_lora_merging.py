import copy
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from claip_emo_mm.models.layers.lora import LoRAConfig, add_adapters, merge_adapters


@pytest.fixture
def net() -> nn.Module:
    torch.manual_seed(0)
    net = nn.Sequential()
    net.proj, net.flat, net.fc = nn.Conv2d(2, 5, 3), nn.Flatten(), nn.Linear(20, 4)
    net.requires_grad_(False)
    add_adapters(net, LoRAConfig(['proj', 'fc'], rank=2, dropout=.1), [])
    for name, parameter in net.named_parameters():
        if '.lora_B.' in name:
            nn.init.normal_(parameter)
    return net.eval()


@pytest.fixture
def x() -> Tensor:
    return torch.randn(3, 2, 4, 4, generator=torch.Generator().manual_seed(1))


def weights(net: nn.Module) -> Iterator[Tensor]:
    return (parameter.detach().clone() for parameter in net.parameters())


def unmerge(net: nn.Module) -> None:
    for layer in (net.proj, net.fc):
        if layer.merged:
            layer.unmerge()


def test_merged_computes_the_same_with_other_weights(net: nn.Module, x: Tensor) -> None:
    before, expected = list(weights(net)), net(x)
    merge_adapters(net)
    for layer in (net.proj, net.fc):
        layer.lora_A['default'].weight.data.fill_(torch.nan)  # no longer read
    torch.testing.assert_close(net(x), expected, atol=1e-5, rtol=1e-5)
    assert not torch.equal(net.fc.base_layer.weight, before[4])


def test_unmerging_restores_every_bit(net: nn.Module, x: Tensor) -> None:
    before, expected = list(weights(net)), net(x)
    for _ in range(3):
        merge_adapters(net)
        merge_adapters(net)
        unmerge(net)
        unmerge(net)
    assert all(torch.equal(now, then) for now, then in zip(weights(net), before, strict=True))
    assert torch.equal(net(x), expected)


def test_training_unmerges(net: nn.Module, x: Tensor) -> None:
    before = list(weights(net))
    merge_adapters(net)
    net.eval().train()
    assert all(torch.equal(now, then) for now, then in zip(weights(net), before, strict=True))
    net(x).sum().backward()
    assert all(parameter.grad is not None for name, parameter in net.named_parameters() if '.lora_' in name)


@pytest.mark.parametrize('keep_vars', [False, True])
def test_state_dict_does_not_tell_merged_from_unmerged(net: nn.Module, keep_vars: bool) -> None:
    before = {key: value.clone() for key, value in net.state_dict().items()}
    trained = {key for key, value in net.state_dict(keep_vars=True).items() if value.requires_grad}
    merge_adapters(net)
    saved = net.state_dict(keep_vars=keep_vars)
    assert saved.keys() == before.keys()
    assert {key for key, value in saved.items() if value.requires_grad} == (trained if keep_vars else set())
    assert all(torch.equal(saved[key], before[key]) for key in before)


def test_loading_while_merged_applies_no_adapter_twice(net: nn.Module, x: Tensor) -> None:
    other = copy.deepcopy(net)
    for parameter in other.parameters():
        parameter.data.normal_()
    merge_adapters(net)
    net.load_state_dict(other.state_dict())
    torch.testing.assert_close(net(x), other(x))


def test_a_merged_copy_can_be_moved_and_unmerged(net: nn.Module, x: Tensor) -> None:
    expected = net(x)
    merge_adapters(net)
    moved = copy.deepcopy(net).double()
    torch.testing.assert_close(moved(x.double()).float(), expected, atol=1e-5, rtol=1e-5)
    unmerge(moved)
    assert moved.fc.base_layer.weight.dtype == torch.double
    torch.testing.assert_close(moved(x.double()).float(), expected, atol=1e-5, rtol=1e-5)


def test_broken_adapters_are_not_merged(net: nn.Module) -> None:
    before = net.fc.base_layer.weight.clone()
    net.fc.lora_B['default'].weight.data[0, 0] = torch.inf
    with pytest.raises(ValueError, match='default seems to be broken'):
        merge_adapters(net)
    assert torch.equal(net.fc.base_layer.weight, before)
