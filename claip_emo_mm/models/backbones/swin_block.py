"""The forward pass of HTSAT's Swin blocks, without forming attention maps."""
import torch.nn.functional as F
from torch import Tensor, nn


def run_swin_block(block: nn.Module, x: Tensor) -> Tensor:
    """Compute what laion_clap's ``SwinTransformerBlock`` computes, its attention map apart.

    Args:
        block: The block, for tokens of a grid of H' x W' patches.
        x: (A, H' W', C) tokens.
    Returns: (A, H' W', C).
    """
    grid, side, shift = block.input_resolution, block.window_size, block.shift_size
    y = block.norm1(x).unflatten(1, grid)  # (A, H', W', C)
    if shift:
        y = y.roll((-shift, -shift), (1, 2))
    y = y.unflatten(2, (-1, side)).unflatten(1, (-1, side)).transpose(2, 3)  # (A, H'/side, W'/side, side, side, C)
    windows = _attend(block.attn, y.reshape(-1, side * side, y.shape[-1]), block.attn_mask)
    y = windows.view(y.shape).transpose(2, 3).reshape(-1, *grid, x.shape[-1])
    if shift:
        y = y.roll((shift, shift), (1, 2))
    x = x + block.drop_path(y.flatten(1, 2))
    return x + block.drop_path(block.mlp(block.norm2(x)))


def _attend(attention: nn.Module, windows: Tensor, mask: Tensor | None) -> Tensor:
    """Attend within windows (A nW, N, C); ``mask`` (nW, N, N) keeps apart what the shift brought together."""
    tokens = windows.shape[1]
    q, k, v = attention.qkv(windows).unflatten(-1, (3, attention.num_heads, -1)).permute(2, 0, 3, 1, 4)
    bias = attention.relative_position_bias_table[attention.relative_position_index.flatten()]  # (N N, heads)
    bias = bias.T.reshape(1, -1, tokens, tokens)
    if mask is not None:
        bias = (bias + mask[:, None]).repeat(windows.shape[0] // mask.shape[0], 1, 1, 1)  # (A nW, heads, N, N)
    x = F.scaled_dot_product_attention(q, k, v, attn_mask=bias.to(q.dtype), scale=attention.scale)
    return attention.proj(x.transpose(1, 2).flatten(2))
