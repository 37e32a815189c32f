"""Matrix products with the faster of PyTorch's two libraries for CPUs."""
import platform

import torch
import torch.nn.functional as F
from torch import Tensor

# torch gives float32 products to MKL, which takes slower paths on CPUs that are not Intel's; oneDNN, which comes with
# torch too, took 0.8 of its time on an AMD EPYC. torch.compile calls oneDNN by this operator.
_ONEDNN = (torch.backends.mkldnn.is_available() and platform.machine() in ('x86_64', 'AMD64')
           and getattr(torch.ops.mkldnn, '_linear_pointwise', None))


def linear(x: Tensor, weight: Tensor, bias: Tensor | None, silu: bool = False) -> Tensor:
    """``torch.nn.functional.linear`` without gradients: (..., D) to (..., D'), in autocast's type where that is on.

    Args:
        x, weight, bias: as of torch's function.
        silu: Whether its SiLU is returned, which oneDNN computes before the product leaves the processor's cache.
    """
    for_onednn = x.device.type == 'cpu' and x.dtype == weight.dtype == torch.float32 and x.numel()
    # autocast does not know the operator, which would compute in float32
    if _ONEDNN and for_onednn and not is_recorded() and not torch.is_autocast_enabled('cpu'):
        return _ONEDNN(x.contiguous(), weight.contiguous(), bias, 'swish' if silu else 'none', [], '')
    product = F.linear(x, weight, bias)
    return F.silu(product, inplace=True) if silu else product


def is_recorded() -> bool:
    """Whether operations are being recorded, for an export or a compiler: what is special to a CPU stays out of it."""
    return torch.jit.is_tracing() or torch.compiler.is_compiling()


def cast_for_products(x: Tensor) -> Tensor:
    """Cast to autocast's type where it is on: once for several layers, which would each keep a copy of their own."""
    if torch.is_autocast_enabled(x.device.type):
        return x.to(torch.get_autocast_dtype(x.device.type))
    return x
