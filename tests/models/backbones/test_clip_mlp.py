from collections import OrderedDict
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from claip_emo_mm.models.backbones.clip import VisionMLP
from claip_emo_mm.models.layers.lora import LoRAConfig, add_adapters, merge_adapters

TARGETS = ['c_fc', 'c_proj']


def make_mlp(targets: list[str]) -> VisionMLP:
    torch.manual_seed(0)
    layers = OrderedDict(c_fc=nn.Linear(6, 10), gelu=nn.GELU(), c_proj=nn.Linear(10, 6))
    mlp = VisionMLP(nn.Sequential(layers))
    if targets:
        add_adapters(mlp, LoRAConfig(targets, rank=2, alpha=6, dropout=.5), [])
        for name, parameter in mlp.named_parameters():
            if '.lora_' in name:
                nn.init.normal_(parameter, std=.5)
    return mlp.eval()


def expected(mlp: VisionMLP, x: Tensor, targets: list[str]) -> Tensor:
    """By the definition, in float64: a linear layer, x sigmoid(1.702 x), a linear layer; 3 is alpha / rank."""
    state = {name: value.double() for name, value in mlp.state_dict().items()}

    def layer(x: Tensor, name: str) -> Tensor:
        if name not in targets:
            return x @ state[f'{name}.weight'].T + state[f'{name}.bias']
        update = 3 * state[f'{name}.lora_B.default.weight'] @ state[f'{name}.lora_A.default.weight']
        return x @ (state[f'{name}.base_layer.weight'] + update).T + state[f'{name}.base_layer.bias']

    hidden = layer(x.double(), 'c_fc')
    return layer(hidden * torch.sigmoid(1.702 * hidden), 'c_proj').float()


@pytest.mark.parametrize('targets', [[], ['c_fc'], TARGETS])
@pytest.mark.parametrize('no_grad', [torch.no_grad, torch.enable_grad])
def test_value_in_chunks_and_at_once(targets: list[str], no_grad: Callable) -> None:
    mlp, x = make_mlp(targets), torch.randn(5, 801, 6)  # 4005 tokens: two full chunks and a rest
    with no_grad():
        torch.testing.assert_close(mlp(x), expected(mlp, x, targets), atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(mlp(x[:2, :3]), expected(mlp, x, targets)[:2, :3], atol=1e-5, rtol=1e-5)


def test_evaluation_changes_no_weight() -> None:
    mlp, x = make_mlp(TARGETS), torch.randn(2000, 6)
    before = {name: value.clone() for name, value in mlp.state_dict().items()}
    with torch.no_grad():
        apart = mlp(x)
        merge_adapters(mlp)
        torch.testing.assert_close(mlp(x), apart, atol=1e-5, rtol=1e-5)
    mlp.train()  # unmerges
    assert all(torch.equal(value, before[name]) for name, value in mlp.state_dict().items())


def test_disabled_adapters_add_nothing() -> None:
    mlp, x = make_mlp(TARGETS), torch.randn(2000, 6)
    for layer in (mlp.c_fc, mlp.c_proj):
        layer.enable_adapters(False)
    with torch.no_grad():
        got = mlp(x)
        for layer in (mlp.c_fc, mlp.c_proj):
            nn.init.zeros_(layer.lora_B['default'].weight)
        torch.testing.assert_close(got, expected(mlp, x, TARGETS), atol=1e-5, rtol=1e-5)


def test_half_precision_of_autocast_is_kept() -> None:
    mlp, x = make_mlp(TARGETS), torch.randn(2000, 6)
    with torch.no_grad(), torch.autocast('cpu', torch.bfloat16):
        assert mlp(x).dtype == torch.bfloat16
