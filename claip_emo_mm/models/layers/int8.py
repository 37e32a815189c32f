"""Linear layers by 8-bit integers, on CPUs."""
import math

import torch
from torch import Tensor

from claip_emo_mm.errors import InputError
from claip_emo_mm.models.layers.cpu_ops import cast_for_products

# oneDNN's, which torch.compile calls for quantized models
_PREPACK = getattr(torch.ops.onednn, 'qlinear_prepack', None)
_MULTIPLY = getattr(torch.ops.onednn, 'qlinear_pointwise', None)


class Int8Weight:
    """A linear layer's weight in 8-bit integers, scaled for each output channel; the input is quantized in each call.

    The input's scale and zero point are those of the smallest and largest value in a frame, so that a frame's output
    does not depend on which others are encoded with it. Without the CPU's instructions for 8-bit products (VNNI) the
    input has 7 bits: sums of 16 bits would overflow.

    Args:
        weight: (D', D) float.
        bias: (D',), or None.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        weight = weight.detach().float()
        self._scales = (weight.abs().amax(1) / 127).clamp_(min=torch.finfo(torch.float32).tiny)
        self._zeros = torch.zeros(len(weight), dtype=torch.int32)
        self._weight = _PREPACK((weight / self._scales[:, None]).round_().to(torch.int8), None)
        self._bias = None if bias is None else bias.detach().float()
        self._largest = 255 if getattr(torch.cpu, '_is_vnni_supported', lambda: False)() else 127

    def __call__(self, x: Tensor) -> Tensor:
        """Map (U, N, D) to (U, N, D'), in float32, or bfloat16 where autocast has it."""
        dtype = cast_for_products(x[:0].float()).dtype
        return torch.cat([self._multiply(frame, dtype) for frame in x.contiguous().split(1)])

    def _multiply(self, frame: Tensor, dtype: torch.dtype) -> Tensor:
        low, high = (float(value) for value in frame.aminmax())
        if not math.isfinite(high - low):  # for the one who looks at the scores
            return frame.new_full((*frame.shape[:-1], len(self._scales)), torch.nan, dtype=dtype)
        low, high = min(low, 0.), max(high, 0.)  # so that 0 is exact
        scale = (high - low) / self._largest or 1.
        zero = round(-low / scale)
        rounded = torch.add(torch.tensor(zero + .5), frame.float(), alpha=1 / scale)  # .5, as conversion cuts off
        quantized = rounded.clamp_(0, self._largest).to(torch.uint8)
        return _MULTIPLY(quantized, scale, zero, self._weight, self._scales, self._zeros, self._bias, 1., 0, dtype,
                         'none', [], '')


def has_int8() -> bool:
    """Whether PyTorch computes products of 8-bit integers on this CPU by oneDNN."""
    return bool(_PREPACK and _MULTIPLY) and 'onednn' in torch.backends.quantized.supported_engines


def check_int8(owner: str, device: torch.device) -> None:
    """Raise an `InputError` where 8-bit products cannot be computed."""
    if device.type != 'cpu':
        raise InputError(f'{owner}: int8=True is for CPUs, but the model is on {device}. Leave it out there.')
    if not has_int8():
        raise InputError(f'{owner}: int8=True needs a PyTorch with oneDNN (x86), which this is not. Leave it out.')
