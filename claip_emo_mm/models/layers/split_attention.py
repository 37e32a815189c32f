"""Fused attention of torch and MMAction2, split into projections that LoRA can target."""
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from mmaction.models.backbones.vit_mae import Attention as VideoMAEAttention
from torch import Tensor, nn

from claip_emo_mm.errors import InputError
from claip_emo_mm.models.layers.cpu_ops import attend, cast_for_products


class SplitMultiheadAttention(nn.Module):
    """Computes what an ``nn.MultiheadAttention`` computes, with linear layers q_proj, k_proj, v_proj and out_proj."""

    _qkv_same_embed_dim = False  # keeps nn.TransformerEncoderLayer from reading the weights in place of calling

    def __init__(self, fused: nn.MultiheadAttention) -> None:
        super().__init__()
        self.embed_dim, self.num_heads, self.head_dim = fused.embed_dim, fused.num_heads, fused.head_dim
        self.dropout, self.batch_first = fused.dropout, fused.batch_first
        weights = ((fused.q_proj_weight, fused.k_proj_weight, fused.v_proj_weight) if fused.in_proj_weight is None else
                   _thirds(fused.in_proj_weight))
        biases = (None,) * 3 if fused.in_proj_bias is None else _thirds(fused.in_proj_bias)
        self.q_proj, self.k_proj, self.v_proj = map(_linear, weights, biases)
        self.out_proj = _linear(fused.out_proj.weight, fused.out_proj.bias)

    def reset_parameters(self) -> None:
        """Initialize as ``nn.MultiheadAttention`` does: Xavier-uniform over the stacked input matrix, biases of 0."""
        bound = (6 / (self.embed_dim + 3 * self.embed_dim)) ** 0.5
        for projection in (self.q_proj, self.k_proj, self.v_proj):
            nn.init.uniform_(projection.weight, -bound, bound)
        for projection in self.children():
            nn.init.zeros_(projection.bias)

    @property
    def in_proj_weight(self) -> Tensor:
        """The fused matrix (3 D, D), for networks that read it."""
        for name in ('q_proj', 'k_proj', 'v_proj'):
            if type(getattr(self, name)) is not nn.Linear:
                raise InputError(f'lora.targets: the network reads the weight of {name} in an attention in place of '
                                 f'calling it: an adapter there would be without effect. Give {name} with the names of '
                                 f'the blocks that call it, such as blocks.0.attn.{name}.')
        return torch.cat([self.q_proj.weight, self.k_proj.weight, self.v_proj.weight])

    @property
    def in_proj_bias(self) -> Tensor | None:
        return None if self.q_proj.bias is None else torch.cat([self.q_proj.bias, self.k_proj.bias, self.v_proj.bias])

    def forward(self, query: Tensor, key: Tensor, value: Tensor, key_padding_mask: Tensor | None = None,
                need_weights: bool = True, attn_mask: Tensor | None = None, average_attn_weights: bool = True,
                is_causal: bool = False) -> tuple[Tensor, Tensor | None]:
        """Attend as ``nn.MultiheadAttention`` does; query (N, B, D), (B, N, D) with ``batch_first``, or (N, D)."""
        is_single = query.ndim == 2
        if is_single or not self.batch_first:
            query, key, value = (x[None] if is_single else x.transpose(0, 1) for x in (query, key, value))
        q, k, v = (cast_for_products(self._heads(project(x))) for project, x in  # (B, heads, N, D / heads)
                   ((self.q_proj, query), (self.k_proj, key), (self.v_proj, value)))
        if is_single and key_padding_mask is not None:
            key_padding_mask = key_padding_mask[None]
        mask = self._mask(attn_mask, key_padding_mask, q)
        dropout, weights = self.dropout if self.training else 0., None
        if need_weights:
            logits = q * self.head_dim ** -.5 @ k.transpose(-2, -1)
            weights = F.dropout((logits if mask is None else logits + mask).softmax(-1), dropout)
            x = weights @ v
            weights = weights.mean(1) if average_attn_weights else weights
        else:
            x = attend(q, k, v, mask, dropout)
        x = self.out_proj(x.transpose(1, 2).flatten(2))
        if is_single:
            return x[0], None if weights is None else weights[0]
        return x if self.batch_first else x.transpose(0, 1), weights

    def attend_in_proportion(self, query: Tensor, tokens: Tensor, sizes: Tensor) -> tuple[Tensor, Tensor]:
        """Attend to tokens that are averages of `sizes` (U, N) others: as if each of these were there.

        Args:
            query: (U, N', D).
            tokens: (U, N, D), keys and values.
        Returns: (U, N', D), and the keys (U, N, D / heads), averaged over the heads.
        """
        q, k, v = (cast_for_products(self._heads(project(x))) for project, x in (
            (self.q_proj, query), (self.k_proj, tokens), (self.v_proj, tokens)))
        x = attend(q, k, v, sizes.log()[:, None, None].to(q.dtype))
        return self.out_proj(x.transpose(1, 2).flatten(2)), k.mean(1)

    def _heads(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.num_heads, self.head_dim)).transpose(1, 2)

    def _mask(self, attn_mask: Tensor | None, key_padding_mask: Tensor | None, q: Tensor) -> Tensor | None:
        """What is added to the logits, broadcastable to (B, heads, N, N'); -inf where a bool mask is True."""
        masks = []
        if attn_mask is not None:  # (N, N') or (B * heads, N, N')
            masks.append(attn_mask.unflatten(0, (-1, self.num_heads)) if attn_mask.ndim == 3 else attn_mask)
        if key_padding_mask is not None:  # (B, N')
            masks.append(key_padding_mask[:, None, None])
        masks = [torch.zeros_like(mask, dtype=q.dtype).masked_fill(mask, -torch.inf) if mask.dtype == torch.bool else
                 mask.to(q.dtype) for mask in masks]
        return sum(masks[1:], masks[0]) if masks else None


class SplitVideoMAEAttention(nn.Module):
    """Computes what the attention of MMAction2's ``VisionTransformer`` computes, with q_proj, k_proj and v_proj."""

    def __init__(self, fused: VideoMAEAttention) -> None:
        super().__init__()
        self.num_heads, self.scale = fused.num_heads, fused.scale
        weights, biases = _thirds(fused.qkv.weight), (None,) * 3
        if hasattr(fused, 'q_bias'):
            biases = (fused.q_bias, None, fused.v_bias)
        self.q_proj, self.k_proj, self.v_proj = map(_linear, weights, biases)
        self.attn_drop, self.proj, self.proj_drop = fused.attn_drop, fused.proj, fused.proj_drop

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (project(x).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)  # (B, heads, N, D / heads)
                   for project in (self.q_proj, self.k_proj, self.v_proj))
        dropout = self.attn_drop.p if self.training else 0.
        x = F.scaled_dot_product_attention(q, k, v, dropout_p=dropout, scale=self.scale)
        return self.proj_drop(self.proj(x.transpose(1, 2).flatten(2)))


_KINDS: dict[type[nn.Module], tuple[Callable[..., nn.Module], tuple[str, ...]]] = {
    nn.MultiheadAttention: (SplitMultiheadAttention, ('q_proj', 'k_proj', 'v_proj', 'out_proj')),
    VideoMAEAttention: (SplitVideoMAEAttention, ('q_proj', 'k_proj', 'v_proj'))}


def split_attention(encoder: nn.Module, targets: Sequence[str]) -> None:
    """Split fused attention in place, where a LoRA target is the name of a projection that it has then."""
    for name, module in list(encoder.named_modules()):
        split, layers = _split_of(module)
        if name and any(f'.{name}.{layer}'.endswith(f'.{target}') for layer in layers for target in targets):
            parent, _, last = name.rpartition('.')
            setattr(encoder.get_submodule(parent), last, split(module).train(module.training))


def split_layers(encoder: nn.Module) -> set[str]:
    """Last names of the projections that the network's fused attention would have if it were split."""
    return {layer for module in encoder.modules() for layer in _split_of(module)[1]}


def _split_of(module: nn.Module) -> tuple[Callable[..., nn.Module] | None, tuple[str, ...]]:
    """The class that splits a module, and its projections; none for other layers and for rare options."""
    if getattr(module, 'bias_k', None) is not None or getattr(module, 'add_zero_attn', False):
        return None, ()
    return _KINDS.get(type(module), (None, ()))


def _thirds(value: Tensor) -> list[nn.Parameter]:
    return [nn.Parameter(third.detach().clone(), value.requires_grad) for third in value.chunk(3)]


def _linear(weight: nn.Parameter, bias: nn.Parameter | None) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias is not None, device='meta')
    layer.weight, layer.bias = weight, bias
    return layer
