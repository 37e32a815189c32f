"""Fusion heads: concatenation, sum, gates, FiLM, cross attention."""
from typing import Any

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from torch import Tensor, nn

from claip_emo_mm.errors import InputError, check_choice, check_whole
from claip_emo_mm.models.heads.fusion_head import FusionHead


@MODELS.register_module()
class ConcatFusionHead(FusionHead):
    """Concatenate the audio and the visual feature (in this order) and classify with one linear layer.

    Args:
        num_classes, visual_channels, audio_channels, kwargs: As in ``FusionHead``; one of the widths may be 0.
    """

    needs_both = False

    def __init__(self, num_classes: int, visual_channels: int = 0, audio_channels: int = 0, **kwargs: Any) -> None:
        check_whole(self, least=0, visual_channels=visual_channels, audio_channels=audio_channels)
        super().__init__(num_classes, visual_channels, audio_channels, visual_channels + audio_channels, **kwargs)

    def fuse(self, visual: Tensor | None, audio: Tensor | None) -> Tensor:
        """(B, D) and (B, D') to (B, D' + D)."""
        return torch.cat([feature for feature in (audio, visual) if feature is not None], -1)


@MODELS.register_module()
class SumFusionHead(FusionHead):
    """Normalize each feature, project both to the same width, add them, and classify with one linear layer.

    Without the layer norms this would compute what concatenation computes, as two linear layers in a row are one.

    Args:
        num_classes, visual_channels, audio_channels, kwargs: As in ``FusionHead``.
        embed_dims: Width of the common space.
    """

    def __init__(self, num_classes: int, visual_channels: int, audio_channels: int, embed_dims: int = 512,
                 **kwargs: Any) -> None:
        check_whole(self, embed_dims=embed_dims)
        super().__init__(num_classes, visual_channels, audio_channels, embed_dims, **kwargs)
        self.visual_projection = nn.Sequential(nn.LayerNorm(visual_channels), nn.Linear(visual_channels, embed_dims))
        self.audio_projection = nn.Sequential(nn.LayerNorm(audio_channels), nn.Linear(audio_channels, embed_dims))

    def fuse(self, visual: Tensor, audio: Tensor) -> Tensor:
        """(B, D) and (B, D') to (B, embed_dims)."""
        return self.visual_projection(visual) + self.audio_projection(audio)


@MODELS.register_module()
class GatedFusionHead(FusionHead):
    """Gated multimodal unit (arXiv 1702.01992, section 3.1), and one linear layer that classifies.

    ``z * tanh(W_v visual) + (1 - z) * tanh(W_a audio)`` with the gate ``z = sigmoid(W_z [audio, visual])``.

    Args:
        num_classes, visual_channels, audio_channels, kwargs: As in ``FusionHead``.
        embed_dims: Width of the common space.
    """

    def __init__(self, num_classes: int, visual_channels: int, audio_channels: int, embed_dims: int = 512,
                 **kwargs: Any) -> None:
        check_whole(self, embed_dims=embed_dims)
        super().__init__(num_classes, visual_channels, audio_channels, embed_dims, **kwargs)
        self.visual_projection = nn.Linear(visual_channels, embed_dims)
        self.audio_projection = nn.Linear(audio_channels, embed_dims)
        self.gate = nn.Linear(audio_channels + visual_channels, embed_dims)

    def fuse(self, visual: Tensor, audio: Tensor) -> Tensor:
        """(B, D) and (B, D') to (B, embed_dims)."""
        gate = self.gate(torch.cat([audio, visual], -1)).sigmoid()
        return torch.lerp(self.audio_projection(audio).tanh(), self.visual_projection(visual).tanh(), gate)


@MODELS.register_module()
class FiLMFusionHead(FusionHead):
    """Feature-wise linear modulation (FiLM, arXiv 1709.07871), and one linear layer that classifies.

    ``(1 + scale) * feature + shift``, where scale and shift are linear in the other modality. Both begin at 0: the
    conditioning modality comes in as far as training finds it useful.

    Args:
        num_classes, visual_channels, audio_channels, kwargs: As in ``FusionHead``.
        condition: The modality that modulates the other one, ``'audio'`` or ``'visual'``.
    """

    def __init__(self, num_classes: int, visual_channels: int, audio_channels: int, condition: str = 'audio',
                 **kwargs: Any) -> None:
        check_choice(self, ('audio', 'visual'), condition=condition)
        channels = (audio_channels, visual_channels)
        given, modulated = channels if condition == 'audio' else reversed(channels)
        super().__init__(num_classes, visual_channels, audio_channels, modulated, **kwargs)
        self.condition = condition
        self.modulation = nn.Linear(given, 2 * modulated)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def fuse(self, visual: Tensor, audio: Tensor) -> Tensor:
        """(B, D) and (B, D') to the width of the modality that is modulated."""
        given, feature = (audio, visual) if self.condition == 'audio' else (visual, audio)
        scale, shift = self.modulation(given).chunk(2, -1)
        return feature + scale * feature + shift


class CrossAttention(nn.Module):
    """Pre-norm attention of the tokens of one modality over those of the other, added to the former."""

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
    """Let frame and audio tokens attend to each other, average both, concatenate, and classify with one linear layer.

    It reads tokens: the necks ``FrameTokens`` and ``AudioTokens`` give them.

    Args:
        num_classes, visual_channels, audio_channels, kwargs: As in ``FusionHead``; channels are the widths of tokens.
        embed_dims: Width of the common space.
        num_heads: Number of attention heads, which divides `embed_dims`.
    """

    reads_tokens = True

    def __init__(self, num_classes: int, visual_channels: int, audio_channels: int, embed_dims: int = 512,
                 num_heads: int = 8, **kwargs: Any) -> None:
        check_whole(self, embed_dims=embed_dims, num_heads=num_heads)
        if embed_dims % num_heads:
            raise InputError(f'CrossAttentionFusionHead: embed_dims={embed_dims} is no multiple of num_heads='
                             f'{num_heads}. Choose two numbers of which one divides the other.')
        super().__init__(num_classes, visual_channels, audio_channels, 2 * embed_dims, **kwargs)
        self.visual_projection = nn.Linear(visual_channels, embed_dims)
        self.audio_projection = nn.Linear(audio_channels, embed_dims)
        self.visual_attention = CrossAttention(embed_dims, num_heads)
        self.audio_attention = CrossAttention(embed_dims, num_heads)

    def fuse(self, visual: Tensor, audio: Tensor) -> Tensor:
        """(B, T, D) and (B, M', D') to (B, 2 embed_dims), audio first."""
        frame_tokens, audio_tokens = self.visual_projection(visual), self.audio_projection(audio)
        audio_feature = self.audio_attention(audio_tokens, frame_tokens).mean(1)  # (B, embed_dims)
        visual_feature = self.visual_attention(frame_tokens, audio_tokens).mean(1)
        return torch.cat([audio_feature, visual_feature], -1)
