"""Adapted layers that merge and unmerge to the bit, and whose state dict does not tell the difference."""
from collections.abc import Callable, Sequence
from typing import Any

from peft.tuners import lora
from torch import Tensor, nn


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


class AdaptedConv2d(ExactMerging, lora.Conv2d):
    """``peft.tuners.lora.Conv2d`` that unmerges to the bit."""


class AdaptedConv3d(ExactMerging, lora.Conv3d):
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
