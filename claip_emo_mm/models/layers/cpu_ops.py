"""Faster CPU kernels: oneDNN linear layers, attention, QuickGELU in place, chunked MLP and LoRA, dropout bits."""
import itertools
import platform
from collections.abc import Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx, once_differentiable

# torch gives float32 products to MKL, which takes slower paths on CPUs that are not Intel's; oneDNN, which comes with
# torch too, took 0.8 of its time on an AMD EPYC. torch.compile calls oneDNN by this operator.
_ONEDNN = (torch.backends.mkldnn.is_available() and platform.machine() in ('x86_64', 'AMD64')
           and getattr(torch.ops.mkldnn, '_linear_pointwise', None))
# Frames and spectrograms encoded at once: of more, tensors have 32 MB, for which glibc maps memory anew each time.
CPU_CHUNK = 16
_SLOPE = 1.702  # the sigmoid approximation of GELU (arXiv 1606.08415, section 2)
_GELU_CHUNK = 2 ** 18  # elements, 1 MB: what stays in the processor's cache
_LORA_CHUNK = 2 ** 20  # elements, 4 MB
_MLP_ROWS = 1576  # tokens of a chunk: 8 frames of ViT-B/16, whose hidden layer takes 19 MB
_LEVELS = 2 ** 16  # of the random numbers that dropout masks are sampled from


def is_recorded() -> bool:
    """Whether operations are being recorded, for an export or a compiler: CPU kernels stay out of it."""
    return torch.jit.is_tracing() or torch.compiler.is_compiling()


def cast_for_products(x: Tensor) -> Tensor:
    """Cast to autocast's type where it is on: once for several layers, which would each keep a copy of their own."""
    if torch.is_autocast_enabled(x.device.type):
        return x.to(torch.get_autocast_dtype(x.device.type))
    return x


def has_bfloat16() -> bool:
    """Whether the CPU computes products of bfloat16 faster than those of float32, as far as PyTorch knows."""
    return bool(_ONEDNN) and getattr(torch.cpu, '_is_avx512_bf16_supported', lambda: False)()


def linear(x: Tensor, weight: Tensor, bias: Tensor | None, silu: bool = False) -> Tensor:
    """``F.linear`` without gradients, in autocast's type where that is on; with `silu`, SiLU of it, fused by oneDNN."""
    if _ONEDNN and x.device.type == 'cpu' and x.numel() and not is_recorded():
        # autocast does not know the operator
        cast_x, cast_weight = cast_for_products(x), cast_for_products(weight)
        if cast_x.dtype == cast_weight.dtype and (cast_x.dtype == torch.float32 or (
                cast_x.dtype == torch.bfloat16 and has_bfloat16())):
            bias = None if bias is None else bias.to(cast_x.dtype)
            return _ONEDNN(cast_x.contiguous(), cast_weight.contiguous(), bias, 'swish' if silu else 'none', [], '')
    product = F.linear(x, weight, bias)
    return F.silu(product, inplace=True) if silu else product


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, dropout: float = 0.) -> Tensor:
    """``F.scaled_dot_product_attention`` of (U, heads, N, D / heads); `mask` is added to the logits.

    torch's fused attention is no faster on a CPU in bfloat16 than in float32; single products took half of its time.
    """
    if q.device.type != 'cpu' or q.dtype != torch.bfloat16 or torch.is_grad_enabled() or is_recorded():
        return F.scaled_dot_product_attention(q, k, v, mask, dropout)
    with torch.autocast('cpu', enabled=False):  # which would compute the softmax in float32
        logits = (q * q.shape[-1] ** -.5) @ k.transpose(-2, -1)
        logits = logits if mask is None else logits.add_(mask)
        return F.dropout(logits.softmax(-1), dropout) @ v


class QuickGELU(nn.Module):
    """x sigmoid(1.702 x), as SiLU of 1.702 x; keeps its input alone for the backward pass.

    On a CPU, where no gradient is needed, in place: a new tensor takes longer than the function.
    """

    def forward(self, x: Tensor) -> Tensor:
        if torch.is_grad_enabled() and x.requires_grad:
            return _QuickGELUFunction.apply(x)
        if x.device.type == 'cpu' and x.is_contiguous() and not is_recorded():
            for chunk in x.view(-1).split(_GELU_CHUNK):
                chunk.mul_(torch.sigmoid(chunk * _SLOPE))
            return x
        return _quick_gelu(x)


class _QuickGELUFunction(torch.autograd.Function):
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


class MLPWeights(NamedTuple):
    """Weights and biases of two linear layers with QuickGELU between them, so that SiLU takes its place.

    QuickGELU is SiLU(1.702 x) / 1.702: the factors are in the weights, and oneDNN computes SiLU within the first
    product.
    """
    up: Tensor
    up_bias: Tensor
    down: Tensor
    down_bias: Tensor

    @classmethod
    def of(cls, first: nn.Module, second: nn.Module) -> 'MLPWeights | None':
        """Take copies, with the adapters merged; None for layers of another kind, and where weights are no float32."""
        up, down = _merged_weight(first), _merged_weight(second)
        if up is None or down is None or not up.dtype == down.dtype == torch.float32:
            return None
        up_bias, down_bias = (getattr(layer, 'base_layer', layer).bias for layer in (first, second))
        return cls(*map(cast_for_products, (up.mul_(_SLOPE), up_bias * _SLOPE, down.div_(_SLOPE), down_bias)))


def chunked_mlp(x: Tensor, weights: MLPWeights) -> Tensor:
    """Linear layer, QuickGELU, linear layer, (..., D) to (..., D), in chunks of tokens; without gradients."""
    chunks = [linear(linear(chunk, weights.up, weights.up_bias, silu=True), weights.down, weights.down_bias)
              for chunk in x.flatten(0, -2).split(_MLP_ROWS)]
    return torch.cat(chunks).view(x.shape)


def _merged_weight(layer: nn.Module) -> Tensor | None:
    """A copy of a layer's weight with its adapter; None for a layer of another kind than nn.Linear and LoRALinear."""
    if hasattr(layer, 'merged_weight'):
        return layer.merged_weight()
    return layer.weight.clone() if type(layer) is nn.Linear else None


def sample_mask(like: Tensor, dropout: float) -> tuple[Tensor, float]:
    """Sample a bool mask shaped like a tensor, and return it with the exact probability that an element stays.

    On a CPU one random number gives four elements: torch's own sampling takes a third of the layer's matrix product.
    """
    if like.device.type != 'cpu' or is_recorded():  # torch.compile cannot record random_
        return torch.empty_like(like, dtype=torch.bool).bernoulli_(1 - dropout), 1 - dropout
    level = min(max(round(dropout * _LEVELS), 1), _LEVELS - 1)
    words = torch.empty((like.numel() + 3) // 4, dtype=torch.int64).random_(-2 ** 63, None)
    mask = words.view(torch.int16)[:like.numel()].view(like.shape) >= level - _LEVELS // 2
    return mask, 1 - level / _LEVELS


def masked_product(x: Tensor, mask: Tensor | None, matrix: Tensor) -> Tensor:
    """(x * mask) @ matrix."""
    return torch.cat([_masked(*chunk) @ matrix for chunk in _row_chunks(x, mask)])


def add_masked_product(output: Tensor, x: Tensor, matrix: Tensor, mask: Tensor | None) -> None:
    """Add (x @ matrix) * mask to the output, in place."""
    for chunk, kept, rows in _row_chunks(output, mask, x):
        chunk.add_(_masked(rows @ matrix, kept))


def masked_outer_product(grad: Tensor, x: Tensor, mask: Tensor | None) -> Tensor:
    """grad.T @ (x * mask)."""
    return sum(rows.T @ _masked(chunk, kept) for chunk, kept, rows in _row_chunks(x, mask, grad))


def _row_chunks(rows: Tensor, *others: Tensor | None) -> Iterator[tuple[Tensor | None, ...]]:
    """Split (rows, D) and what has as many rows into chunks that fit a CPU's cache; elsewhere all is one chunk."""
    if rows.device.type != 'cpu' or is_recorded():
        return iter([(rows, *others)])
    length = max(_LORA_CHUNK // rows.shape[1], 1)
    return zip(rows.split(length), *(itertools.repeat(None) if other is None else other.split(length)
                                     for other in others), strict=False)


def _masked(rows: Tensor, mask: Tensor | None) -> Tensor:
    return rows if mask is None else rows * mask
