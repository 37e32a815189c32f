"""Own autograd functions and CPU kernels on the device, beside peft's layers and plain formulas."""
import pytest
import torch
from peft import LoraConfig, inject_adapter_in_model
from torch import Tensor, nn

from claip_emo_mm.models.layers.cpu_ops import QuickGELU, sample_mask
from claip_emo_mm.models.layers.lora import LoRAConfig, add_adapters
from claip_emo_mm.models.layers.lora_layers import LoRALinear

TOLERANCE = {torch.float32: 1e-4, torch.float16: 1e-2, torch.bfloat16: 5e-2}


def adapted(ours: bool, device: torch.device, dropout: float = 0.) -> nn.Module:
    torch.manual_seed(0)
    net = nn.Sequential()
    net.layer = nn.Linear(48, 32).requires_grad_(False)
    if ours:
        add_adapters(net, LoRAConfig(['layer'], rank=4, alpha=8, dropout=dropout), [])
    else:
        inject_adapter_in_model(LoraConfig(r=4, lora_alpha=8, lora_dropout=dropout, target_modules=['layer']), net)
    nn.init.normal_(net.layer.lora_A['default'].weight, std=.1)
    nn.init.normal_(net.layer.lora_B['default'].weight, std=.1)
    assert isinstance(net.layer, LoRALinear) == ours
    return net.layer.to(device)


def run(layer: nn.Module, x: Tensor, dtype: torch.dtype) -> list[Tensor]:
    """Output, and the gradients of input and adapter."""
    x = x.detach().requires_grad_()
    with torch.autocast(x.device.type, dtype, enabled=dtype != torch.float32):
        output = layer(x)
    output.float().square().sum().backward()
    return [output.float(), x.grad, layer.lora_A['default'].weight.grad, layer.lora_B['default'].weight.grad]


def layouts(device: torch.device) -> dict[str, Tensor]:
    """Inputs (6, 5, 48) of several layouts in memory."""
    x = torch.randn(6, 5, 48, generator=torch.Generator().manual_seed(1)).to(device)
    return dict(contiguous=x, transposed=x.transpose(0, 1).contiguous().transpose(0, 1),
                sliced=torch.cat([x, x], -1)[..., :48],
                channels_last=x.transpose(1, 2)[..., None].contiguous(memory_format=torch.channels_last)[..., 0].mT)


@pytest.mark.parametrize('layout', ['contiguous', 'transposed', 'sliced', 'channels_last'])
@pytest.mark.parametrize('dtype', TOLERANCE, ids=str)
def test_training_is_pefts(device: torch.device, dtype: torch.dtype, layout: str) -> None:
    x = layouts(device)[layout]
    ours, theirs = adapted(True, device), adapted(False, device)
    for found, expected in zip(run(ours, x, dtype), run(theirs, x, dtype), strict=True):
        assert found.device == expected.device == device
        torch.testing.assert_close(found, expected, rtol=TOLERANCE[dtype],
                                   atol=TOLERANCE[dtype] * float(expected.abs().max()))


@pytest.mark.parametrize('rows', [3, 2000])  # the weights are merged for many rows
def test_evaluation_is_pefts(device: torch.device, rows: int) -> None:
    x = torch.randn(rows, 48, device=device)
    ours, theirs = adapted(True, device).eval(), adapted(False, device).eval()
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs(x), rtol=1e-4, atol=1e-4)


def test_dropout_keeps_its_ratio_on_the_device(device: torch.device) -> None:
    mask, keep = sample_mask(torch.empty(400, 500, device=device), .3)
    assert mask.device == device and mask.dtype == torch.bool and keep == pytest.approx(.7, abs=1e-4)
    assert float(mask.float().mean()) == pytest.approx(.7, abs=.01)
    layer = adapted(True, device, dropout=.5)
    x = torch.ones(2000, 48, device=device)
    mean = torch.stack([layer(x).detach().mean(0) for _ in range(5)]).mean(0)
    torch.testing.assert_close(mean, layer.eval()(x[:1])[0].detach(), rtol=.2, atol=.1)


@pytest.mark.parametrize('dtype', TOLERANCE, ids=str)
def test_quick_gelu_is_its_formula(device: torch.device, dtype: torch.dtype) -> None:
    x = torch.randn(64, 30, device=device).to(dtype).t().requires_grad_()
    y = x.detach().clone().requires_grad_()
    QuickGELU()(x).float().sum().backward()
    (y.float() * torch.sigmoid(1.702 * y.float())).sum().backward()
    torch.testing.assert_close(x.grad, y.grad, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
    with torch.no_grad():
        expected = x.float() * torch.sigmoid(1.702 * x.float())
        torch.testing.assert_close(QuickGELU()(x.detach().clone()).float(), expected, rtol=TOLERANCE[dtype],
                                   atol=TOLERANCE[dtype])
