"""CLIP's activation, in fewer passes over the memory."""
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx, once_differentiable

_SLOPE = 1.702  # the sigmoid approximation of GELU (arXiv 1606.08415, section 2)


class QuickGELU(nn.Module):
    """x sigmoid(1.702 x), as SiLU of 1.702 x; keeps its input alone for the backward pass."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (...) to (...)."""
        if torch.is_grad_enabled() and x.requires_grad:
            return _QuickGELUFunction.apply(x)
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
        return torch.ops.aten.silu_backward(grad, x * _SLOPE)


def _quick_gelu(x: Tensor) -> Tensor:
    return F.silu(x * _SLOPE, inplace=True).div_(_SLOPE)
