"""LoRA: hyperparameters, layers, placing through peft, merging."""
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from peft import LoraConfig, inject_adapter_in_model
from peft.tuners import lora
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx, once_differentiable

from claip_emo_mm.errors import InputError, check_ratio, check_whole
from claip_emo_mm.models.layers.cpu_ops import (
    add_masked_product,
    cast_for_products,
    linear,
    masked_outer_product,
    masked_product,
    sample_mask,
)
from claip_emo_mm.models.layers.split_attention import split_attention, split_layers


@dataclass(frozen=True)
class LoRAConfig:
    """LoRA targets and hyperparameters.

    Args:
        targets: Last parts of the names of the layers to adapt (``q_proj``, or more of the name: ``layers.0.0``):
            linear layers, convolutions. Attention that keeps its projections in one matrix (torch's, VideoMAE's) has
            ``q_proj``, ``k_proj`` and ``v_proj``, too.
        rank: Rank r of the update.
        alpha: The update is scaled by ``alpha / rank``.
        dropout: Dropout probability in front of each adapter.
        blocks: Numbers of the blocks to adapt, counted from 0 at the input; None adapts all layers.
    """
    targets: Sequence[str]
    rank: int = 8
    alpha: float = 32
    dropout: float = 0.1
    blocks: Sequence[int] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.targets, str):  # a sequence, too: of letters
            raise InputError(f'lora.targets is {self.targets!r}. Expected a list of names: [{self.targets!r}].')
        check_whole('lora', least=0, rank=self.rank, blocks=self.blocks and list(self.blocks))
        if self.rank < 1:
            raise InputError(f'lora.rank is {self.rank}. Expected at least 1; lora=None adapts nothing.')
        if not 0 <= self.dropout < 1:
            raise InputError(f'lora.dropout is {self.dropout}. Expected a probability from 0 to below 1.')


class ExactMerging:
    """Mixin for peft's adapted layers: unmerging restores the weight to the bit.

    ``state_dict()`` returns the original weight, which is kept; ``train()`` and ``load_state_dict()`` unmerge first.
    """

    _unmerged_weight: Tensor | None = None
    base_layer: nn.Module

    def merge(self, safe_merge: bool = False, adapter_names: Sequence[str] | None = None) -> None:
        """Merge the adapters into the weight, as peft does; weights that are not finite are always refused."""
        unmerged = self.base_layer.weight.data
        super().merge(True, adapter_names)  # into a copy
        if self.merged and self._unmerged_weight is None:
            self._unmerged_weight = unmerged

    def unmerge(self) -> None:
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


class LoRALinear(ExactMerging, lora.Linear):
    """``peft.tuners.lora.Linear`` (same parameters, names, merging) with less memory in training, faster evaluation.

    In training, the dropout mask has one byte an element, masked inputs are formed again in the backward pass, and the
    input is kept without a copy. In evaluation without gradients, weight and adapter are multiplied in every call that
    has rows enough to pay for it. Several adapters, variants and disabled adapters are left to peft.
    """

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """Map (..., D) to (..., D')."""
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


def add_adapters(encoder: nn.Module, config: LoRAConfig, block_names: Sequence[str]) -> list[str]:
    """Put trainable adapters into a network, in place, and return the names of the adapted layers.

    `block_names` are the network's blocks, from input to output, that ``lora.blocks`` counts.
    """
    splittable = split_layers(encoder)
    split_attention(encoder, config.targets)
    layers = [name for name, module in encoder.named_modules() if isinstance(module, nn.Linear | nn.Conv2d | nn.Conv3d)]
    matches = {target: [name for name in layers if f'.{name}'.endswith(f'.{target}')] for target in config.targets}
    names = [name for name in layers if any(name in found for found in matches.values())]
    unmatched = sorted(target for target, found in matches.items() if not found)
    said = f'lora.targets={list(config.targets)}'
    if unmatched or not config.targets:
        known = ', '.join(sorted({name.rpartition('.')[2] for name in layers} | splittable))
        raise InputError(f'{said}: no layer is called {", ".join(unmatched) or "so"}. This encoder has {known}.')
    for name in names:
        if isinstance(encoder.get_submodule(name.rpartition('.')[0]), nn.MultiheadAttention):
            raise InputError(f'{said}: {name} belongs to an nn.MultiheadAttention, which never calls it: an adapter '
                             f'there would be without effect. Take {name.rpartition(".")[2]} out of the targets.')
    if config.blocks is not None:
        beyond = sorted(set(config.blocks) - set(range(len(block_names))))
        if beyond:
            raise InputError(f'lora.blocks={list(config.blocks)}: there is no block {beyond[0]}. '
                             f'This encoder has the blocks 0 to {len(block_names) - 1}.')
        chosen = tuple(f'{block_names[number]}.' for number in config.blocks)
        names = [name for name in names if name.startswith(chosen)]
        if not names:
            raise InputError(f'{said} match no layer in lora.blocks={list(config.blocks)}.')
    for name in names:
        groups = getattr(encoder.get_submodule(name), 'groups', 1)
        if config.rank % groups:
            raise InputError(f'lora.rank={config.rank}: {name} is a convolution in {groups} groups, of which the '
                             'rank must be a multiple. Choose such a rank, or take the layer out of lora.targets.')
    trainable = {name: parameter.requires_grad for name, parameter in encoder.named_parameters()}
    # A pattern: given a list, peft would also take every layer whose name ends in one of the names.
    peft_config = LoraConfig(r=config.rank, lora_alpha=config.alpha, lora_dropout=config.dropout, bias='none',
                             target_modules='|'.join(map(re.escape, names)))
    peft_config._register_custom_module({nn.Linear: LoRALinear, nn.Conv2d: LoRAConv2d, nn.Conv3d: LoRAConv3d})
    inject_adapter_in_model(peft_config, encoder)
    for name, parameter in encoder.named_parameters():  # peft freezes whatever is not an adapter
        parameter.requires_grad_(trainable.get(name.replace('.base_layer.', '.'), True))
    return names


def merge_adapters(model: nn.Module) -> None:
    """Merge every adapter into its layer's weight, in place; a copy is kept, which `train()` restores to the bit."""
    for layer in model.modules():
        if isinstance(layer, ExactMerging) and not layer.merged and not layer.disable_adapters:
            layer.merge()


def scale_adapters(model: nn.Module, scale: float) -> None:
    """Scale what every adapter adds to its layer, in place: 0 is the frozen model, 1 the trained one (WiSE-FT).

    Interpolates between the frozen and the trained weights (arXiv 2109.01903). The next call replaces the scale.

    Args:
        scale: from 0 to 1.
    """
    check_ratio('adapters', adapter_scale=scale)
    layers = [layer for layer in model.modules() if isinstance(layer, ExactMerging)]
    if not layers:
        raise InputError(f'adapter_scale is {scale:g}, but the model has no adapters. Leave it out.')
    for layer in layers:
        if layer.merged:
            layer.unmerge()
        layer._disable_adapters = scale == 0
        trained = layer.__dict__.setdefault('_trained_scaling', dict(layer.scaling))
        layer.scaling = {name: value * scale for name, value in trained.items()}
