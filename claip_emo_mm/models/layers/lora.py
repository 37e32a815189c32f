"""LoRA layers and their merging."""
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from peft.tuners import lora
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx, once_differentiable

from claip_emo_mm.models.layers.cpu_ops import cast_for_products, linear


class ExactMerging:
    """Mixed into peft's adapted layers: what is merged can always be had back as it was.

    The weight as it was before is kept beside the merged one. It is what ``state_dict()`` gives, so a checkpoint
    saved in between is the same; ``train()`` and ``load_state_dict()`` unmerge first, so adapters are neither trained
    without effect nor applied twice.
    """

    _unmerged_weight: Tensor | None = None
    base_layer: nn.Module

    def merge(self, safe_merge: bool = False, adapter_names: Sequence[str] | None = None) -> None:
        """Merge the adapters into the weight; see peft. Weights that are not finite are always refused."""
        unmerged = self.base_layer.weight.data
        super().merge(True, adapter_names)  # into a copy
        if self.merged and self._unmerged_weight is None:
            self._unmerged_weight = unmerged

    def unmerge(self) -> None:
        """Put the weight back that was there before."""
        super().unmerge()
        if self._unmerged_weight is not None:
            self.base_layer.weight.data = self._unmerged_weight
            self._unmerged_weight = None

    def train(self, mode: bool = True) -> nn.Module:
        if mode and self.merged:
            self.unmerge()
        return super().train(mode)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> nn.Module:
        if self._unmerged_weight is not None:
            self._unmerged_weight = fn(self._unmerged_weight)
        return super()._apply(fn, recurse)

    def state_dict(self, *args: Any, destination: dict[str, Any] | None = None, prefix: str = '',
                   keep_vars: bool = False) -> dict[str, Any]:
        state = super().state_dict(*args, destination=destination, prefix=prefix, keep_vars=keep_vars)
        if self._unmerged_weight is not None:
            state[f'{prefix}base_layer.weight'] = nn.Parameter(
                self._unmerged_weight, self.base_layer.weight.requires_grad) if keep_vars else self._unmerged_weight
        return state

    def _load_from_state_dict(self, *args: Any) -> None:
        if self.merged:
            self.unmerge()
        super()._load_from_state_dict(*args)


class LoRAConv2d(ExactMerging, lora.Conv2d):
    """``peft.tuners.lora.Conv2d`` that unmerges to the bit."""


class LoRAConv3d(ExactMerging, lora.Conv3d):
    """``peft.tuners.lora.Conv3d`` that unmerges to the bit."""


def merge_adapters(model: nn.Module) -> None:
    """Merge every adapter into the weight of its layer, in place: the same outputs with fewer operations.

    Evaluation needs no call of it: adapted linear layers multiply weight and adapter out as they go. It is for
    exporting, and for a model that does nothing but infer, at the price of a second copy of the adapted weights.

    Raises:
        ValueError: An adapter holds values that are not finite.
    """
    for layer in _adapted_layers(model):
        if not layer.merged:
            layer.merge()


def unmerge_adapters(model: nn.Module) -> None:
    """Undo ``merge_adapters``; every weight has the bits that it had before."""
    for layer in _adapted_layers(model):
        if layer.merged:
            layer.unmerge()


def _adapted_layers(model: nn.Module) -> list[ExactMerging]:
    return [module for module in model.modules() if isinstance(module, ExactMerging)]


_PART = 2 ** 20  # elements, 4 MB
_LEVELS = 2 ** 16  # of the random numbers that draw a dropout mask on a CPU


class LoRALinear(ExactMerging, lora.Linear):
    """``peft.tuners.lora.Linear`` (same parameters, names, merging), computed otherwise.

    In training, peft's layer draws a float mask, multiplies, and keeps mask and product for the backward pass, for
    each adapter. Here the mask has one byte an element, the product is formed again when it is needed, and the input
    itself is kept, which neighbors that read the same one share. Masks are drawn as peft draws them, one for each
    adapter, but from other random numbers: runs of the same seed differ.

    In evaluation without gradients the layer's weight and its adapter are multiplied out in every call that has rows
    enough to pay for it; the product is not kept. Nothing can be out of date, and the weights never change.

    Whatever else peft's layer can do (several adapters, variants, disabled or merged adapters) is left to it.
    """

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """Map (..., D) to (..., D')."""
        if args or kwargs or not self._is_plain():
            return super().forward(x, *args, **kwargs)
        if self.merged:
            product = F.linear if torch.is_grad_enabled() else linear
            return product(x, self.base_layer.weight, self.base_layer.bias)
        down, up, scale = self._adapter()
        if self.training:
            dropout = getattr(self.lora_dropout[self.active_adapters[0]], 'p', 0.)
            return _LoRALinearFunction.apply(cast_for_products(x), self.base_layer.weight, self.base_layer.bias,
                                                down, up, scale, dropout)
        rows = x.numel() // self.in_features
        if torch.is_grad_enabled() or rows * (self.in_features + self.out_features) < self.base_layer.weight.numel():
            return super().forward(x)
        return linear(x, self.multiplied_out(), self.base_layer.bias)

    def multiplied_out(self) -> Tensor | None:
        """Weight and adapter as one matrix (D', D) of its own, or None where peft's layer does something else."""
        if not self._is_plain():
            return None
        if self.merged:
            return self.base_layer.weight.clone()
        down, up, scale = self._adapter()
        with torch.autocast(up.device.type, enabled=False):  # rounded once, where the product is used
            return torch.addmm(self.base_layer.weight, up, down, alpha=scale)

    def _adapter(self) -> tuple[Tensor, Tensor, float]:
        """Both matrices of the one adapter, (rank, D) and (D', rank), and the factor of their product."""
        name = self.active_adapters[0]
        return self.lora_A[name].weight, self.lora_B[name].weight, self.scaling[name]

    def _is_plain(self) -> bool:
        """Whether there is one adapter, in use, without a bias of its own, in the layer's own type."""
        names = self.active_adapters
        return (not self.disable_adapters and not self.lora_variant
                and len(names) == 1 and names[0] in self.lora_A and not self.lora_bias[names[0]]
                and self.lora_A[names[0]].weight.dtype == self.base_layer.weight.dtype)


class _LoRALinearFunction(torch.autograd.Function):
    """x W^T + b + scale (dropout(x) A^T) B^T, keeping x, a mask of bytes, and the (rows, rank) product alone."""

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, weight: Tensor, bias: Tensor | None, down: Tensor, up: Tensor,
                scale: float, dropout: float) -> Tensor:
        rows = x.reshape(-1, x.shape[-1])  # (rows, D)
        with torch.autocast(x.device.type, enabled=False):
            mask, keep = sample_mask(rows, dropout) if dropout else (None, 1.)
            down_t = down.to(x.dtype).T
            low = torch.cat([_dropped(*part) @ down_t for part in _parts(rows, mask)])  # (rows, rank)
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
            grads_low = grad_low.split(_part_length(rows))
            if needs[0]:
                grad_x = linear(grad_rows, weight.to(x.dtype).T, None)
                for (part, kept), low_split in zip(_parts(grad_x, mask), grads_low, strict=True):
                    part.add_(_dropped(low_split @ down.to(x.dtype), kept))
                grads[0] = grad_x.view_as(x)
            if needs[1]:
                grads[1] = (grad_rows.T @ rows).to(weight.dtype)
            if needs[2]:
                grads[2] = grad_rows.sum(0).to(weight.dtype)
            if needs[3]:
                grads[3] = sum(low_split.T @ _dropped(*part)
                               for part, low_split in zip(_parts(rows, mask), grads_low, strict=True)).to(down.dtype)
            if needs[4]:
                grads[4] = (grad_rows.T @ low).mul_(ctx.factor).to(up.dtype)
        return tuple(grads)


def sample_mask(like: Tensor, dropout: float) -> tuple[Tensor, float]:
    """Draw which elements stay.

    Args:
        like: The mask has this shape and device.
        dropout: Probability that an element goes, in (0, 1); on a CPU to the nearest 2 ** -16, where four elements
            are drawn from one random number: torch's own draw takes a third of the layer's matrix product.
    Returns: the mask, bool, and the exact probability that an element stays.
    """
    if like.device.type != 'cpu':
        return torch.empty_like(like, dtype=torch.bool).bernoulli_(1 - dropout), 1 - dropout
    level = min(max(round(dropout * _LEVELS), 1), _LEVELS - 1)
    words = torch.empty((like.numel() + 3) // 4, dtype=torch.int64).random_(-2 ** 63, None)
    mask = words.view(torch.int16)[:like.numel()].view(like.shape) >= level - _LEVELS // 2
    return mask, 1 - level / _LEVELS


def _part_length(rows: Tensor) -> int:
    """Rows that are worked on together: on a CPU what fits its cache, else all."""
    return max(_PART // rows.shape[1], 1) if rows.device.type == 'cpu' else max(len(rows), 1)


def _parts(rows: Tensor, mask: Tensor | None) -> Iterator[tuple[Tensor, Tensor | None]]:
    """Split the rows and their mask."""
    parts = rows.split(_part_length(rows))
    masks = [None] * len(parts) if mask is None else mask.split(_part_length(rows))
    return zip(parts, masks, strict=True)


def _dropped(rows: Tensor, mask: Tensor | None) -> Tensor:
    return rows if mask is None else rows * mask
