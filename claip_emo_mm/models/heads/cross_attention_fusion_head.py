"""Fusion by attention: frames look for what goes with them in the sound, and the sound in the frames."""
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from torch import Tensor, nn

from claip_emo_mm.errors import InputError
from claip_emo_mm.models.heads.fusion_head import FusionHead
from claip_emo_mm.utils import check_whole


class CrossAttention(nn.Module):
    """Pre-norm attention of the tokens of one modality over those of the other, added to the former.

    Args:
        embed_dims: Width of the tokens of both.
        num_heads: Number of attention heads.
    """

    def __init__(self, embed_dims: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.norm = nn.LayerNorm(embed_dims)
        self.norm_other = nn.LayerNorm(embed_dims)
        self.q = nn.Linear(embed_dims, embed_dims)
        self.kv = nn.Linear(embed_dims, 2 * embed_dims)
        self.out = nn.Linear(embed_dims, embed_dims)

    def forward(self, tokens: Tensor, other: Tensor) -> Tensor:
        """Map tokens (B, N, D), given others (B, N', D), to (B, N, D)."""
        q = self.q(self.norm(tokens)).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)  # (B, heads, N, D / heads)
        k, v = self.kv(self.norm_other(other)).unflatten(-1, (2, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        return tokens + self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


@MODELS.register_module()
class CrossAttentionFusionHead(FusionHead):
    """Let frame and sound tokens attend to each other, average both, concatenate, and classify with one linear layer.

    It reads tokens: the necks ``FrameTokens`` and ``SoundTokens`` give them.

    Args:
        num_classes, visual_channels, audio_channels, loss_cls, label_smooth_eps, topk, average_clips: As in
            ``FusionHead``; the channels are the widths of a frame's and of a sound's token.
        embed_dims: Width in which the two meet.
        num_heads: Number of attention heads.
    Raises:
        InputError: `embed_dims` is no multiple of `num_heads`.
    """

    reads_tokens = True

    def __init__(self, num_classes: int, visual_channels: int, audio_channels: int, embed_dims: int = 512,
                 num_heads: int = 8, loss_cls: dict | None = None, label_smooth_eps: float = 0.0,
                 topk: int | Sequence[int] = 1, average_clips: str = 'prob') -> None:
        check_whole(self, embed_dims=embed_dims, num_heads=num_heads)
        if embed_dims % num_heads:
            raise InputError(f'CrossAttentionFusionHead: embed_dims={embed_dims} is no multiple of num_heads='
                             f'{num_heads}. Choose two numbers of which one divides the other.')
        super().__init__(num_classes, visual_channels, audio_channels, 2 * embed_dims, loss_cls, label_smooth_eps,
                         topk, average_clips)
        self.visual_projection = nn.Linear(visual_channels, embed_dims)
        self.audio_projection = nn.Linear(audio_channels, embed_dims)
        self.visual_attention = CrossAttention(embed_dims, num_heads)
        self.audio_attention = CrossAttention(embed_dims, num_heads)

    def fuse(self, visual: Tensor, audio: Tensor) -> Tensor:
        """(B, T, D) and (B, M', D') to (B, 2 embed_dims), audio first."""
        frames, sounds = self.visual_projection(visual), self.audio_projection(audio)
        heard = self.audio_attention(sounds, frames).mean(1)  # (B, embed_dims)
        seen = self.visual_attention(frames, sounds).mean(1)
        return torch.cat([heard, seen], -1)
