"""Blocks and stages of a Swin Transformer (arXiv 2103.14030) over a fixed grid, as HTSAT has them.

Parameters and buffers have the names of the published implementation. A: inputs, H' x W': grid of tokens, N: tokens of
a window, C: channels.
"""
import torch
import torch.nn.functional as F
from torch import Tensor, nn


class DropPath(nn.Module):
    """Stochastic depth (arXiv 1603.09382): in training, drop a residual branch of each input with `drop_prob`.

    The random numbers are those of the published HTSAT, so that trainings of the same seed agree with it.
    """

    def __init__(self, drop_prob: float) -> None:
        super().__init__()
        self.drop_prob = drop_prob

    def forward(self, x: Tensor) -> Tensor:
        """Map (A, ...) to the same shape; what is kept is scaled by 1 / (1 - drop_prob)."""
        if not self.training:
            return x
        keep = 1 - self.drop_prob
        kept = (keep + torch.rand((len(x), *[1] * (x.ndim - 1)), dtype=x.dtype, device=x.device)).floor()
        return x.div(keep) * kept


class WindowAttention(nn.Module):
    """Self-attention within windows, with a learned bias for each relative position of two tokens."""

    def __init__(self, channels: int, window_size: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.scale = (channels // num_heads) ** -0.5
        self.relative_position_bias_table = nn.Parameter(torch.empty((2 * window_size - 1) ** 2, num_heads))
        places = torch.cartesian_prod(torch.arange(window_size), torch.arange(window_size))
        rows, columns = (places[:, None] - places + window_size - 1).unbind(-1)  # (N, N) each, from 0
        self.register_buffer('relative_position_index', rows * (2 * window_size - 1) + columns)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)

    def forward(self, windows: Tensor, mask: Tensor | None) -> Tensor:
        """Attend within windows (A nW, N, C); the mask (nW, N, N) is added to the logits."""
        tokens = windows.shape[1]
        q, k, v = self.qkv(windows).unflatten(-1, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        bias = self.relative_position_bias_table[self.relative_position_index.flatten()]  # (N N, heads)
        bias = bias.T.reshape(1, -1, tokens, tokens)
        if mask is not None:
            bias = (bias + mask[:, None]).repeat(windows.shape[0] // mask.shape[0], 1, 1, 1)  # (A nW, heads, N, N)
        x = F.scaled_dot_product_attention(q, k, v, attn_mask=bias.to(q.dtype), scale=self.scale)
        return self.proj(x.transpose(1, 2).flatten(2))


class SwinBlock(nn.Module):
    """Window attention and MLP, both residual and pre-norm.

    Args:
        channels: C.
        grid: (H', W'), multiples of the window's side.
        num_heads: Attention heads.
        window_size: Side of a window, in tokens; a smaller grid is one window.
        shift_size: Tokens by which the windows are shifted, cyclically, along both sides.
        drop_prob: Stochastic depth.
    """

    def __init__(self, channels: int, grid: tuple[int, int], num_heads: int, window_size: int, shift_size: int,
                 drop_prob: float) -> None:
        super().__init__()
        if min(grid) <= window_size:
            window_size, shift_size = min(grid), 0
        self.grid, self.window_size, self.shift_size = grid, window_size, shift_size
        self.norm1 = nn.LayerNorm(channels)
        self.attn = WindowAttention(channels, window_size, num_heads)
        self.drop_path = DropPath(drop_prob) if drop_prob else nn.Identity()
        self.norm2 = nn.LayerNorm(channels)
        from timm.layers import Mlp  # with all of timm
        self.mlp = Mlp(channels, 4 * channels)
        self.register_buffer('attn_mask', self._separate_regions() if shift_size else None)

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens (A, H' W', C) to the same shape."""
        y = self.norm1(x).unflatten(1, self.grid)  # (A, H', W', C)
        if self.shift_size:
            y = y.roll((-self.shift_size, -self.shift_size), (1, 2))
        y = self._cut(y)
        windows = self.attn(y.reshape(-1, self.window_size ** 2, y.shape[-1]), self.attn_mask)
        y = windows.view(y.shape).transpose(2, 3).reshape(-1, *self.grid, x.shape[-1])
        if self.shift_size:
            y = y.roll((self.shift_size, self.shift_size), (1, 2))
        x = x + self.drop_path(y.flatten(1, 2))
        return x + self.drop_path(self.mlp(self.norm2(x)))

    def _cut(self, y: Tensor) -> Tensor:
        """Cut (A, H', W', C) into windows: (A, H'/side, W'/side, side, side, C)."""
        return y.unflatten(2, (-1, self.window_size)).unflatten(1, (-1, self.window_size)).transpose(2, 3)

    def _separate_regions(self) -> Tensor:
        """Mask (nW, N, N): -100 between tokens of a window that only the shift brought together, else 0."""
        rows, columns = ((torch.arange(side) >= side - self.window_size).int() +
                         (torch.arange(side) >= side - self.shift_size).int() for side in self.grid)
        regions = self._cut((3 * rows[:, None] + columns)[None, ..., None]).reshape(-1, self.window_size ** 2)
        return torch.where(regions[:, None] == regions[:, :, None], 0., -100.)


class PatchMerging(nn.Module):
    """Halve both sides of the grid: 2 x 2 tokens become one of twice the channels."""

    def __init__(self, channels: int, grid: tuple[int, int]) -> None:
        super().__init__()
        self.grid = grid
        self.reduction = nn.Linear(4 * channels, 2 * channels, bias=False)
        self.norm = nn.LayerNorm(4 * channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens (A, H' W', C) to (A, H' W' / 4, 2 C)."""
        x = x.unflatten(1, self.grid)
        x = torch.cat([x[:, row::2, column::2] for column in (0, 1) for row in (0, 1)], -1)
        return self.reduction(self.norm(x.flatten(1, 2)))


class SwinStage(nn.Module):
    """Blocks of one grid, every second one with shifted windows; then, unless it is the last stage, patch merging."""

    def __init__(self, channels: int, grid: tuple[int, int], num_heads: int, window_size: int,
                 drop_probs: list[float], merge: bool) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            SwinBlock(channels, grid, num_heads, window_size, number % 2 * (window_size // 2), drop_prob)
            for number, drop_prob in enumerate(drop_probs))
        self.downsample = PatchMerging(channels, grid) if merge else None
