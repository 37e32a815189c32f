"""Self-attention with separate query, key and value projections, and the conversion of fused ones."""
import torch
import torch.nn.functional as F
from torch import Tensor, nn


class SeparateProjectionAttention(nn.Module):
    """``nn.MultiheadAttention`` with separate projections, which are called, so that adapters on them have effect."""

    def __init__(self, embed_dims: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.q_proj = nn.Linear(embed_dims, embed_dims)
        self.k_proj = nn.Linear(embed_dims, embed_dims)
        self.v_proj = nn.Linear(embed_dims, embed_dims)
        self.out_proj = nn.Linear(embed_dims, embed_dims)

    def reset_parameters(self) -> None:
        """Initialize as ``nn.MultiheadAttention`` does: Xavier-uniform over the stacked input matrix."""
        embed_dims = self.q_proj.in_features
        bound = (6 / (embed_dims + 3 * embed_dims)) ** 0.5
        for projection in (self.q_proj, self.k_proj, self.v_proj):
            nn.init.uniform_(projection.weight, -bound, bound)
            nn.init.zeros_(projection.bias)
        self.out_proj.reset_parameters()
        nn.init.zeros_(self.out_proj.bias)

    def forward(self, query: Tensor, key: Tensor, value: Tensor, need_weights: bool = False,
                attn_mask: Tensor | None = None) -> tuple[Tensor, None]:
        """Attend from query (B, N, D) to key and value (B, N', D), called as by open_clip."""
        if need_weights:
            raise ValueError('SeparateProjectionAttention does not form attention weights: call it with '
                             'need_weights=False.')
        heads = (self.num_heads, query.shape[-1] // self.num_heads)
        q, k, v = (project(x).unflatten(-1, heads).transpose(1, 2)  # (B, heads, N, D / heads)
                   for project, x in ((self.q_proj, query), (self.k_proj, key), (self.v_proj, value)))
        x = F.scaled_dot_product_attention(q, k, v, attn_mask=attn_mask)
        return self.out_proj(x.transpose(1, 2).flatten(2)), None


def split_fused_projections(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Split ``*.in_proj_{weight,bias}`` of a state dict into ``*.{q,k,v}_proj.{weight,bias}``, without a copy."""
    split: dict[str, Tensor] = {}
    for key, value in state.items():
        prefix, _, name = key.rpartition('.')
        if name in ('in_proj_weight', 'in_proj_bias'):
            for projection, third in zip('qkv', value.chunk(3), strict=True):
                split[f'{prefix}.{projection}_proj.{name.removeprefix("in_proj_")}'] = third
        else:
            split[key] = value
    return split


def fuse_separate_projections(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Undo `split_fused_projections`."""
    fused: dict[str, Tensor] = {}
    for key, value in state.items():
        prefix, _, name = key.rpartition('_proj.')
        if prefix.endswith('.q'):
            fused[f'{prefix[:-1]}in_proj_{name}'] = torch.cat([state[f'{prefix[:-1]}{projection}_proj.{name}']
                                                               for projection in 'qkv'])
        elif not prefix.endswith(('.k', '.v')):
            fused[key] = value
    return fused
