"""What is for CPUs alone: products through oneDNN, in-place QuickGELU, chunked MLP."""
import platform

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx, once_differentiable

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


SLOPE = 1.702  # the sigmoid approximation of GELU (arXiv 1606.08415, section 2)
_PART = 2 ** 18  # elements, 1 MB: what stays in the processor's cache


class QuickGELU(nn.Module):
    """x sigmoid(1.702 x), as SiLU of 1.702 x; keeps its input alone for the backward pass.

    Args:
        inplace: Overwrite the input where no gradient is needed. A new tensor of that size costs a CPU more time than
            the function itself.
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, x: Tensor) -> Tensor:
        """Map (...) to (...)."""
        if torch.is_grad_enabled() and x.requires_grad:
            return _QuickGELUFunction.apply(x)
        if self.inplace and x.device.type == 'cpu' and x.is_contiguous() and not is_recorded():
            for part in x.view(-1).split(_PART):
                part.mul_(torch.sigmoid(part * SLOPE))
            return x
        return _quick_gelu(x)


class _QuickGELUFunction(torch.autograd.Function):
    """Elementwise."""

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return _quick_gelu(x)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, grad: Tensor) -> Tensor:
        x, = ctx.saved_tensors
        return torch.ops.aten.silu_backward(grad, x * SLOPE)


def _quick_gelu(x: Tensor) -> Tensor:
    return F.silu(x * SLOPE, inplace=True).div_(SLOPE)
