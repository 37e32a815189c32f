"""Necks: from frames or spectrograms to clip features."""
from typing import Any

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn

from claip_emo_mm.errors import InputError, check_whole


class TemporalBlock(nn.Module):
    """Pre-norm Transformer layer over tokens (B, N, D), with heads of any width."""

    def __init__(self, embed_dims: int, num_heads: int, head_dims: int, mlp_dims: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.norm1 = nn.LayerNorm(embed_dims)
        self.qkv = nn.Linear(embed_dims, 3 * num_heads * head_dims, bias=False)
        self.out = nn.Linear(num_heads * head_dims, embed_dims)
        self.norm2 = nn.LayerNorm(embed_dims)
        self.fc1 = nn.Linear(embed_dims, mlp_dims)
        self.fc2 = nn.Linear(mlp_dims, embed_dims)

    def forward(self, x: Tensor) -> Tensor:
        qkv = self.qkv(self.norm1(x)).unflatten(-1, (3, self.num_heads, -1))  # (B, N, 3, heads, head_dims)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        x = x + self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x)), approximate='tanh'))


@MODELS.register_module()
class TemporalTransformer(BaseModule):
    """Read the T frame features of a view with a one-layer Transformer; the class token is the clip feature.

    Class token and learned positions are initialized from N(0, 1); there is no dropout and no final norm (reference
    implementation of arXiv 2509.14527).

    Args:
        embed_dims: Width D of the frame features.
        num_frames: Largest number of frames T of a view; shorter views take the first positions.
        num_heads: Number of attention heads.
        head_dims: Width of one head.
        mlp_dims: Width of the hidden layer.
        num_layers: Number of Transformer layers.
    """

    def __init__(self, embed_dims: int, num_frames: int, num_heads: int = 8, head_dims: int = 64,
                 mlp_dims: int = 1024, num_layers: int = 1) -> None:
        super().__init__()
        check_whole(self, embed_dims=embed_dims, num_frames=num_frames, num_layers=num_layers)
        self.cls_token = nn.Parameter(torch.randn(1, 1, embed_dims))
        self.pos_embedding = nn.Parameter(torch.randn(1, num_frames + 1, embed_dims))
        self.layers = _make_layers(self, num_layers, embed_dims, num_heads, head_dims, mlp_dims)

    def forward(self, frame_features: Tensor) -> Tensor:
        """Map frame features (B, T, D) to clip features (B, D); InputError for too many frames or another width."""
        _check_tokens(self, frame_features, self.pos_embedding[:, 1:])
        x = torch.cat([self.cls_token.expand(frame_features.shape[0], -1, -1), frame_features], 1)  # (B, T+1, D)
        x = x + self.pos_embedding[:, :x.shape[1]]
        for layer in self.layers:
            x = layer(x)
        return x[:, 0]


@MODELS.register_module()
class FrameTokens(BaseModule):
    """Read the T frame features of a view as ``TemporalTransformer`` does, but keep the frames and have no class token.

    Args:
        embed_dims, num_frames, num_heads, head_dims, mlp_dims: As of ``TemporalTransformer``.
        num_layers: Number of Transformer layers; 0 adds the positions alone.
    """

    def __init__(self, embed_dims: int, num_frames: int, num_heads: int = 8, head_dims: int = 64,
                 mlp_dims: int = 1024, num_layers: int = 1) -> None:
        super().__init__()
        check_whole(self, embed_dims=embed_dims, num_frames=num_frames)
        check_whole(self, least=0, num_layers=num_layers)
        self.pos_embedding = nn.Parameter(torch.randn(1, num_frames, embed_dims))
        self.layers = _make_layers(self, num_layers, embed_dims, num_heads, head_dims, mlp_dims)

    def forward(self, frame_features: Tensor) -> Tensor:
        """Map frame features (B, T, D) to tokens (B, T, D); InputError for too many frames or another width."""
        _check_tokens(self, frame_features, self.pos_embedding)
        x = frame_features + self.pos_embedding[:, :frame_features.shape[1]]
        for layer in self.layers:
            x = layer(x)
        return x


@MODELS.register_module()
class AudioMeanPool(BaseModule):
    """Average the latent audio map over time and frequency (HTSAT's own ``embedding``)."""

    def forward(self, latent: Tensor) -> Tensor:
        """Map latent maps (A, D, F', M') to features (A, D)."""
        return latent.mean((2, 3))


@MODELS.register_module()
class AudioTemporalTransformer(BaseModule):
    """Average the latent audio map over frequency and read its M' time steps as ``TemporalTransformer`` reads frames.

    Args:
        embed_dims: Width D of the latent map.
        num_steps: Time steps M' of the latent map.
        kwargs: ``num_heads``, ``head_dims``, ``mlp_dims`` and ``num_layers`` of ``TemporalTransformer``.
    """

    def __init__(self, embed_dims: int, num_steps: int, **kwargs: Any) -> None:
        super().__init__()
        check_whole(self, num_steps=num_steps)
        self.num_steps = num_steps
        self.temporal = TemporalTransformer(embed_dims, num_steps, **kwargs)

    def forward(self, latent: Tensor) -> Tensor:
        """Map latent maps (A, D, F', M') to features (A, D); InputError for another number of time steps."""
        _check_steps(self, latent, self.num_steps)
        return self.temporal(latent.mean(2).transpose(1, 2))  # from (A, M', D)


@MODELS.register_module()
class AudioTokens(BaseModule):
    """Average the latent audio map over frequency and add a learned position to each of its M' time steps.

    Args:
        embed_dims: Width D of the latent map.
        num_steps: Time steps M' of the latent map.
    """

    def __init__(self, embed_dims: int, num_steps: int) -> None:
        super().__init__()
        check_whole(self, embed_dims=embed_dims, num_steps=num_steps)
        self.pos_embedding = nn.Parameter(torch.randn(1, num_steps, embed_dims))

    def forward(self, latent: Tensor) -> Tensor:
        """Map latent maps (A, D, F', M') to tokens (A, M', D); InputError for another number of steps or width."""
        _check_steps(self, latent, self.pos_embedding.shape[1])
        _check_width(self, 'a latent map', latent.shape[1], self.pos_embedding.shape[2])
        return latent.mean(2).transpose(1, 2) + self.pos_embedding


def _make_layers(owner: nn.Module, num_layers: int, embed_dims: int, num_heads: int, head_dims: int,
                 mlp_dims: int) -> nn.ModuleList:
    check_whole(owner, num_heads=num_heads, head_dims=head_dims, mlp_dims=mlp_dims)
    return nn.ModuleList(TemporalBlock(embed_dims, num_heads, head_dims, mlp_dims) for _ in range(num_layers))


def _check_tokens(neck: nn.Module, frame_features: Tensor, positions: Tensor) -> None:
    (_, num_frames, width), (_, most, expected) = frame_features.shape, positions.shape
    if num_frames > most:
        raise InputError(f'{type(neck).__name__}: a view has {num_frames} frames, but num_frames={most}. '
                         'Set num_frames of the neck to clip_len of the sampling.')
    _check_width(neck, 'frame features', width, expected)


def _check_width(neck: nn.Module, what: str, width: int, expected: int) -> None:
    if width != expected:
        raise InputError(f'{type(neck).__name__}: {what} of width {width} arrived, but embed_dims={expected}. '
                         'Set embed_dims of the neck to the width that the backbone gives.')


def _check_steps(neck: nn.Module, latent: Tensor, num_steps: int) -> None:
    if latent.shape[3] != num_steps:
        raise InputError(f'{type(neck).__name__}: the latent map has {latent.shape[3]} time steps, but '
                         f'num_steps={num_steps}. Set num_steps={latent.shape[3]}.')
