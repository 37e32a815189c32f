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
        return _QuickGELUFunction.apply(x)


class _QuickGELUFunction(torch.autograd.Function):
    """Elementwise."""

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return F.silu(x * _SLOPE, inplace=True).div_(_SLOPE)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, grad: Tensor) -> Tensor:
        x, = ctx.saved_tensors
        return torch.ops.aten.silu_backward(grad, x * _SLOPE)
