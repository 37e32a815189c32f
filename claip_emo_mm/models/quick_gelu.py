"""CLIP's activation, in fewer passes over the memory."""
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx, once_differentiable

from claip_emo_mm.models.matrix_product import is_recorded

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
