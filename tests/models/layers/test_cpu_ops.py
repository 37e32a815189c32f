import pytest
import torch

from claip_emo_mm.models.layers.cpu_ops import cast_for_products, linear


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
@pytest.mark.parametrize('with_bias', [True, False])
def test_value(dtype: torch.dtype, with_bias: bool) -> None:
    torch.manual_seed(0)
    x, weight = torch.randn(2, 3, 5, dtype=dtype), torch.randn(5, 4, dtype=dtype).T
    bias = torch.randn(4, dtype=dtype) if with_bias else None
    expected = torch.einsum('bnd,ed->bne', x, weight) + (bias if with_bias else 0)
    torch.testing.assert_close(linear(x.transpose(0, 1), weight, bias), expected.transpose(0, 1))
    assert linear(x[:0], weight, bias).shape == (0, 3, 4)


def test_cast_follows_autocast() -> None:
    x = torch.randn(3)
    assert cast_for_products(x) is x
    with torch.autocast('cpu', torch.bfloat16):
        assert cast_for_products(x).dtype == torch.bfloat16


@pytest.mark.parametrize('silu', [True, False])
def test_autocast_decides_the_type(silu: bool) -> None:
    torch.manual_seed(0)
    x, weight, bias = torch.randn(2, 9, 5), torch.randn(4, 5), torch.randn(4)
    with torch.no_grad(), torch.autocast('cpu', torch.bfloat16):
        output = linear(x, weight, bias, silu)
    assert output.dtype == torch.bfloat16
    rounded = [value.bfloat16().double() for value in (x, weight, bias)]
    expected = torch.einsum('bnd,ed->bne', *rounded[:2]) + rounded[2]
    expected = expected * expected.sigmoid() if silu else expected
    torch.testing.assert_close(output.double(), expected, atol=.02, rtol=.02)  # 8 bits of mantissa
