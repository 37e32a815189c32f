import pytest
import torch
from peft import LoraConfig, inject_adapter_in_model
from torch import Tensor, nn

from claip_emo_mm.models.layers.cpu_ops import sample_mask
from claip_emo_mm.models.layers.lora import LoRAConfig, add_adapters
from claip_emo_mm.models.layers.lora_layers import LoRALinear


def make_net(ours: bool, dropout: float, frozen: bool = True) -> nn.Module:
    """Two adapted layers with a nonlinearity between; long enough to be computed in chunks."""
    torch.manual_seed(0)
    net = nn.Sequential()
    net.first, net.act, net.second = nn.Linear(1100, 40), nn.Tanh(), nn.Linear(40, 6, bias=False)
    net.requires_grad_(not frozen)
    if ours:
        add_adapters(net, LoRAConfig(['first', 'second'], rank=3, alpha=6, dropout=dropout), [])
    else:
        inject_adapter_in_model(LoraConfig(r=3, lora_alpha=6, lora_dropout=dropout, target_modules=['first', 'second']),
                                net)
        net.requires_grad_(not frozen)
        for name, parameter in net.named_parameters():
            parameter.requires_grad_(not frozen or '.lora_' in name)
    for name, parameter in net.named_parameters():
        if '.lora_' in name:
            nn.init.normal_(parameter, std=.2)
    return net


def gradients(net: nn.Module, x: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor | None]]:
    x = x.clone().requires_grad_()
    output = net(x)
    output.sin().sum().backward()
    return output, x.grad, {name: parameter.grad for name, parameter in net.named_parameters()}


@pytest.mark.parametrize('frozen', [True, False])
def test_equals_pefts_layer_without_dropout(frozen: bool) -> None:
    x = torch.randn(2, 1000, 1100) * .1
    ours, theirs = gradients(make_net(True, 0., frozen), x), gradients(make_net(False, 0., frozen), x)
    torch.testing.assert_close(ours[0], theirs[0], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(ours[1], theirs[1], atol=1e-5, rtol=1e-4)
    assert ours[2].keys() == theirs[2].keys()
    for name, expected in theirs[2].items():
        assert (expected is None) == (frozen and '.lora_' not in name)
        torch.testing.assert_close(ours[2][name], expected, atol=1e-3, rtol=1e-3)


def test_gradient_under_dropout_is_the_derivative() -> None:
    layer = make_net(True, .3).first.double()
    names = [name for name, _ in layer.named_parameters()]

    def run(x: Tensor, *values: Tensor) -> Tensor:
        torch.manual_seed(1)  # the same mask every time
        return torch.func.functional_call(layer, dict(zip(names, values, strict=True)), (x,))

    small = [parameter.detach()[..., :7] if name.endswith(('A.default.weight', 'base_layer.weight')) else
             parameter.detach() for name, parameter in layer.named_parameters()]
    layer.in_features = 7
    values = [torch.randn(5, 7, dtype=torch.double), *small]
    assert torch.autograd.gradcheck(run, [value.clone().requires_grad_() for value in values])


def test_dropout_keeps_the_mean_and_has_bernoullis_variance() -> None:
    torch.manual_seed(0)
    layer = nn.Sequential(nn.Linear(4, 2))
    add_adapters(layer, LoRAConfig(['0'], rank=1, alpha=3, dropout=.25), [])
    layer = layer[0]
    down, up = torch.tensor([[1., -2., .5, 3.]]), torch.tensor([[1.], [-.5]])
    layer.lora_A['default'].weight.data, layer.lora_B['default'].weight.data = down, up
    x = torch.tensor([2., 1., -1., .5])
    outputs = layer(x.expand(200_000, -1)).detach()
    plain = x @ layer.base_layer.weight.T + layer.base_layer.bias
    terms = 3 * up * (down * x)  # (2, 4): each is kept with probability 3/4 and then counts 4/3
    torch.testing.assert_close(outputs.mean(0), plain + terms.sum(1), atol=.05, rtol=0)
    torch.testing.assert_close(outputs.var(0), terms.square().sum(1) * .25 / .75, rtol=.02, atol=0)


def test_neighbors_sample_masks_of_their_own() -> None:
    torch.manual_seed(0)
    first, second = sample_mask(torch.empty(301, 67), .1)[0], sample_mask(torch.empty(301, 67), .1)[0]
    for mask in (first, second):
        assert mask.shape == (301, 67) and abs(mask.float().mean() - .9) < .01
    assert abs((~first & ~second).float().mean() - .01) < .003


@pytest.mark.parametrize(('dropout', 'keep'), [(.5, .5), (.1, 1 - 6554 / 65536), (1e-9, 1 - 1 / 65536)])
def test_what_is_kept_is_known_exactly(dropout: float, keep: float) -> None:
    assert sample_mask(torch.empty(3), dropout)[1] == keep


def test_only_the_input_a_byte_mask_and_the_low_rank_product_are_kept() -> None:
    layer = make_net(True, .1).first
    kept: list[Tensor] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: kept.append(tensor) or tensor, lambda tensor: tensor):
        layer(torch.randn(50, 1100, requires_grad=True))
    made = [tensor for tensor in kept if not isinstance(tensor, nn.Parameter)]
    assert {(tuple(tensor.shape), tensor.dtype) for tensor in made} == {
        ((50, 1100), torch.float32), ((50, 1100), torch.bool), ((50, 3), torch.float32)}
    assert len(made) == 3


@pytest.mark.parametrize('rows', [2, 300])  # too few to multiply the weights out, and enough
def test_evaluation_changes_neither_result_nor_weights(rows: int) -> None:
    net, theirs = make_net(True, .1).eval(), make_net(False, .1).eval()
    before = {name: parameter.clone() for name, parameter in net.named_parameters()}
    x = torch.randn(rows, 1100) * .1
    with torch.no_grad():
        torch.testing.assert_close(net(x), theirs(x), atol=1e-5, rtol=1e-5)
        nn.init.zeros_(net.second.lora_B['default'].weight)
        nn.init.zeros_(theirs.second.lora_B['default'].weight)
        torch.testing.assert_close(net(x), theirs(x), atol=1e-5, rtol=1e-5)  # nothing of before is left
    assert all(torch.equal(parameter, before[name]) for name, parameter in net.named_parameters()
               if 'second.lora_B' not in name)


def test_autocast_computes_in_its_type_and_returns_gradients_in_the_parameters() -> None:
    ours, theirs = make_net(True, 0.), make_net(False, 0.)
    x = torch.randn(20, 1100) * .1
    outputs = []
    for net in (ours, theirs):
        with torch.autocast('cpu', torch.bfloat16):
            outputs.append(net(x))
        outputs[-1].float().sum().backward()
    assert outputs[0].dtype == torch.bfloat16
    torch.testing.assert_close(outputs[0], outputs[1], atol=.05, rtol=.05)
    for own, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        if own.requires_grad:
            assert own.grad.dtype == torch.float32
            torch.testing.assert_close(own.grad, other.grad, atol=.3, rtol=.05)


@pytest.mark.parametrize('rows', [1, 50])
@pytest.mark.parametrize('merged', [True, False])
def test_evaluation_under_autocast_is_that_of_a_linear_layer_with_the_product(rows: int, merged: bool) -> None:
    torch.manual_seed(0)
    layer = make_net(True, .1).first.eval()
    plain = nn.Linear(1100, 40)
    with torch.no_grad():
        down, up = layer.lora_A.default.weight.double(), layer.lora_B.default.weight.double()
        plain.weight.copy_(layer.base_layer.weight.double() + 2 * up @ down)  # alpha / rank = 2
        plain.bias.copy_(layer.base_layer.bias)
        if merged:
            layer.merge()
        x = torch.randn(rows, 1100)
        with torch.autocast('cpu', torch.bfloat16):
            output, expected = layer(x), plain(x)
    assert output.dtype == expected.dtype == torch.bfloat16
    exact = plain(x)
    if merged or rows == 50:  # few rows go through weight and adapter one after the other
        torch.testing.assert_close(output, expected, rtol=.01, atol=.02)
    assert (output - exact).abs().mean() < 2 * (expected - exact).abs().mean()


def test_disabled_adapters_do_nothing() -> None:
    layer = make_net(True, .1).first
    layer.enable_adapters(False)
    x = torch.randn(3, 1100)
    assert isinstance(layer, LoRALinear)
    torch.testing.assert_close(layer(x), x @ layer.base_layer.weight.T + layer.base_layer.bias, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize('dropout', [.1, .4])
def test_the_adapters_input_is_dropped_in_training_alone(dropout: float) -> None:
    net = nn.Sequential()
    net.only = nn.Linear(1, 1)
    add_adapters(net, LoRAConfig(['only'], rank=1, alpha=1, dropout=dropout), [])
    for parameter in net.parameters():
        nn.init.ones_(parameter)
    x = torch.ones(40_000, 1)
    torch.manual_seed(0)
    adapter = net(x) - 2  # weight and bias of the layer itself are 1: its input is never dropped
    assert (adapter.abs() < 1e-6).float().mean() == pytest.approx(dropout, abs=.01)
    assert adapter.max().item() == pytest.approx(1 / (1 - dropout), rel=1e-4)
    assert not torch.equal(net(x) - 2, adapter)
    torch.testing.assert_close(net.eval()(x), torch.full_like(x, 3))
