"""peft's adapted layers, with less memory in training, faster evaluation and exact unmerging."""
from typing import Any

import torch
import torch.nn.functional as F
from peft.tuners import lora
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

from claip_emo_mm.models.layers.cpu_ops import (
    add_masked_product,
    cast_for_products,
    linear,
    masked_outer_product,
    masked_product,
    sample_mask,
)
from claip_emo_mm.models.layers.kept_weights import KeptWeight
from claip_emo_mm.models.layers.lora import ExactMerging


class LoRAConv2d(ExactMerging, lora.Conv2d):
    """``peft.tuners.lora.Conv2d`` that unmerges to the bit."""


class LoRAConv3d(ExactMerging, lora.Conv3d):
    """``peft.tuners.lora.Conv3d`` that unmerges to the bit."""


class LoRALinear(KeptWeight, ExactMerging, lora.Linear):
    """``peft.tuners.lora.Linear`` (same parameters, names, merging) with less memory in training, faster evaluation.

    In training, the dropout mask has one byte an element, masked inputs are formed again in the backward pass, and the
    input is kept without a copy. In evaluation without gradients, weight and adapter are multiplied once for several
    calls (`kept_weights`), or in every call that has rows enough to pay for it. Several adapters, variants and disabled
    adapters are left to peft.
    """

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """Map (..., D) to (..., D')."""
        if self._kept is not None and not args and not kwargs:
            return self.multiply_kept(x)
        if args or kwargs or not self._is_plain():
            return super().forward(x, *args, **kwargs)
        weight, bias = self.base_layer.weight, self.base_layer.bias
        if self.merged:
            return F.linear(x, weight, bias) if torch.is_grad_enabled() else linear(x, weight, bias)
        if self.training:
            dropout = getattr(self.lora_dropout[self.active_adapters[0]], 'p', 0.)
            return _LoRALinearFunction.apply(cast_for_products(x), weight, bias, *self._adapter(), dropout)
        rows = x.numel() // self.in_features
        if torch.is_grad_enabled() or rows * (self.in_features + self.out_features) < weight.numel():
            return super().forward(x)
        return linear(x, self.merged_weight(), bias)

    def merged_weight(self) -> Tensor | None:
        """A new matrix (D', D), weight and adapter in one; None where peft's layer does something else."""
        if self.disable_adapters and not self.merged:  # as the layer without an adapter, to the last digit
            return self.base_layer.weight.clone()
        if not self._is_plain():
            return None
        if self.merged:
            return self.base_layer.weight.clone()
        down, up, scale = self._adapter()
        with torch.autocast(up.device.type, enabled=False):  # rounded once, where the product is used
            return torch.addmm(self.base_layer.weight, up, down, alpha=scale)

    def _adapter(self) -> tuple[Tensor, Tensor, float]:
        """Both matrices of the adapter, (rank, D) and (D', rank), and the factor of their product."""
        name = self.active_adapters[0]
        return self.lora_A[name].weight, self.lora_B[name].weight, self.scaling[name]

    def _is_plain(self) -> bool:
        """Whether there is one adapter, in use, without a bias of its own, in the layer's own type."""
        names = self.active_adapters
        return (not self.disable_adapters and not self.lora_variant and len(names) == 1
                and names[0] in self.lora_A and not self.lora_bias[names[0]]
                and self.lora_A[names[0]].weight.dtype == self.base_layer.weight.dtype)


class _LoRALinearFunction(torch.autograd.Function):
    """x W^T + b + scale (dropout(x) A^T) B^T; keeps x, the mask and the (rows, rank) product."""

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, weight: Tensor, bias: Tensor | None, down: Tensor, up: Tensor,
                scale: float, dropout: float) -> Tensor:
        rows = x.reshape(-1, x.shape[-1])  # (rows, D)
        with torch.autocast(x.device.type, enabled=False):
            mask, keep = sample_mask(rows, dropout) if dropout else (None, 1.)
            low = masked_product(rows, mask, down.to(x.dtype).T)  # (rows, rank)
            output = linear(rows, weight.to(x.dtype), None if bias is None else bias.to(x.dtype))
            output.addmm_(low, up.to(x.dtype).T, alpha=scale / keep)
        ctx.save_for_backward(x, mask, low, weight, down, up)
        ctx.factor = scale / keep
        return output.view(*x.shape[:-1], -1)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, mask, low, weight, down, up = ctx.saved_tensors
        rows, grad_rows = x.reshape(-1, x.shape[-1]), grad.reshape(-1, grad.shape[-1])
        needs = ctx.needs_input_grad
        grads: list[Tensor | None] = [None] * 7
        with torch.autocast(x.device.type, enabled=False):
            grad_low = (grad_rows @ up.to(x.dtype)).mul_(ctx.factor)  # (rows, rank)
            if needs[0]:
                grad_x = linear(grad_rows, weight.to(x.dtype).T, None)
                add_masked_product(grad_x, grad_low, down.to(x.dtype), mask)
                grads[0] = grad_x.view_as(x)
            if needs[1]:
                grads[1] = (grad_rows.T @ rows).to(weight.dtype)
            if needs[2]:
                grads[2] = grad_rows.sum(0).to(weight.dtype)
            if needs[3]:
                grads[3] = masked_outer_product(grad_low, rows, mask).to(down.dtype)
            if needs[4]:
                grads[4] = (grad_rows.T @ low).mul_(ctx.factor).to(up.dtype)
        return tuple(grads)
