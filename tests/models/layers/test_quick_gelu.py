import pytest
import torch

from claip_emo_mm.models.layers.cpu_ops import QuickGELU


def test_is_x_times_the_sigmoid_of_1702_x() -> None:
    x = torch.linspace(-9, 9, 101)
    torch.testing.assert_close(QuickGELU()(x.clone()), x / (1 + torch.exp(-1.702 * x)))


def test_gradient_is_the_derivative_and_the_input_stays() -> None:
    x = torch.randn(3, 5, dtype=torch.double, requires_grad=True)
    before = x.detach().clone()
    assert torch.autograd.gradcheck(QuickGELU(), x)
    assert torch.equal(x, before)


def test_keeps_its_input_alone() -> None:
    kept = []
    x = torch.randn(4, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: kept.append(tensor) or tensor, lambda tensor: tensor):
        QuickGELU()(x)
    assert len(kept) == 1 and kept[0] is x


@pytest.mark.parametrize('shape', [(3, 5), (2, 7, 300_001 // 7)])
def test_in_place(shape: tuple[int, ...]) -> None:
    x = torch.randn(shape)
    expected = x.double() / (1 + torch.exp(-1.702 * x.double()))
    y = QuickGELU()(x)
    assert y.data_ptr() == x.data_ptr()
    torch.testing.assert_close(y, expected.float(), atol=1e-6, rtol=1e-5)


def test_in_place_never_overwrites_what_a_gradient_needs() -> None:
    x = torch.randn(3, 4, requires_grad=True)
    before = x.detach().clone()
    QuickGELU()(x).sum().backward()
    assert torch.equal(x.detach(), before) and x.grad is not None
    turned = before.T  # not contiguous
    QuickGELU()(turned)
    assert torch.equal(turned, before.T)
