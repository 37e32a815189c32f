"""Linear layers of an encoder whose weights are merged, cast or quantized once for several calls."""
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from claip_emo_mm.errors import InputError
from claip_emo_mm.models.layers.cpu_ops import cast_for_products, is_recorded, linear
from claip_emo_mm.models.layers.int8 import Int8Weight

_ONE_THREAD = threading.RLock()  # what is kept lies in the layers, which several threads may share


class KeptWeight:
    """Mixin of linear layers: `kept_weights` gives them what `forward` multiplies by.

    Integers, which take longer to make than to use, stay until a weight or the mode of the layer changes; a change
    through ``weight.data``, which PyTorch does not count, is seen after ``eval()``.
    """

    _kept: Tensor | Int8Weight | None = None
    _packed: tuple[tuple, Int8Weight] | None = None  # of which weights, and the integers

    def keep(self, int8: bool) -> None:
        """Keep the weight, with the adapter, in autocast's type or of 8-bit integers."""
        if not int8:
            weight = self.merged_weight()
            self._kept = None if weight is None else cast_for_products(weight)
            return
        state = (*((weight.data_ptr(), weight.is_inference() or weight._version) for weight in self.parameters()),
                 *getattr(self, 'scaling', {}).values(), *getattr(self, 'active_adapters', ()),
                 getattr(self, 'disable_adapters', False), getattr(self, 'merged', False))
        if self._packed is None or self._packed[0] != state:
            weight = self.merged_weight()
            if weight is None:
                raise InputError('int8=True: layers with several adapters, or with a variant of LoRA, cannot be '
                                 'quantized. Leave it out.')
            self._packed = state, Int8Weight(weight, self._kept_bias())
        self._kept = self._packed[1]

    def release(self) -> None:
        self._kept = None

    def train(self, mode: bool = True) -> nn.Module:
        self._packed = None
        return super().train(mode)

    def __getstate__(self) -> dict[str, Any]:
        return dict(self.__dict__, _kept=None, _packed=None)  # for copies: integers are made anew

    def multiply_kept(self, x: Tensor) -> Tensor:
        """The layer by the kept weight; of 8-bit integers for (U, N, D) alone, frame by frame."""
        return self._kept(x) if isinstance(self._kept, Int8Weight) else linear(x, self._kept, self._kept_bias())

    def _kept_bias(self) -> Tensor | None:
        return getattr(self, 'base_layer', self).bias


class EncoderLinear(KeptWeight, nn.Linear):
    """``nn.Linear``, on a CPU by oneDNN where no gradient is needed."""

    def forward(self, x: Tensor) -> Tensor:
        if self._kept is not None:
            return self.multiply_kept(x)
        return F.linear(x, self.weight, self.bias) if torch.is_grad_enabled() else linear(x, self.weight, self.bias)

    def merged_weight(self) -> Tensor:
        """A copy of the weight (D', D)."""
        return self.weight.clone()


def replace_linears(encoder: nn.Module) -> None:
    """Replace each ``nn.Linear`` by an ``EncoderLinear`` with its parameters, in place; not those within adapters."""
    for module in list(encoder.modules()):
        for name, layer in list(module.named_children()):
            if type(layer) is nn.Linear and not hasattr(module, 'base_layer') and not isinstance(
                    module, nn.MultiheadAttention | nn.ModuleDict):
                made = EncoderLinear(layer.in_features, layer.out_features, layer.bias is not None, device='meta')
                made.weight, made.bias = layer.weight, layer.bias
                setattr(module, name, made.train(layer.training))


@contextmanager
def kept_weights(block: nn.Module, int8: bool = False) -> Iterator[None]:
    """Merge, cast or quantize the weights of a block once for all calls in the ``with`` block; on a CPU alone.

    Nothing happens where gradients are needed, or operations are recorded. One thread at a time has weights kept.
    """
    if torch.is_grad_enabled() or is_recorded() or next(block.parameters()).device.type != 'cpu':
        yield
        return
    layers = [layer for layer in block.modules() if hasattr(layer, 'keep')]
    with _ONE_THREAD:
        try:
            for layer in layers:
                layer.keep(int8)
            yield
        finally:
            for layer in layers:
                layer.release()
