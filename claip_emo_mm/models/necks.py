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

    def forward(self, x: Tensor, class_token_only: bool = False) -> Tensor:
        """(B, N, D) to (B, N, D), or to (B, 1, D) for the class token alone."""
        normed = self.norm1(x)
        if class_token_only:
            queries, keys_values = self.qkv.weight.tensor_split([self.out.in_features])
            q, = self._heads(F.linear(normed[:, :1], queries), 1).unbind(1)
            k, v = self._heads(F.linear(normed, keys_values), 2).unbind(1)
            x = x[:, :1]
        else:
            q, k, v = self._heads(self.qkv(normed), 3).unbind(1)
        x = x + self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x)), approximate='tanh'))

    def _heads(self, x: Tensor, count: int) -> Tensor:
        """(B, N, count * heads * head_dims) to (B, count, heads, N, head_dims)."""
        return x.unflatten(-1, (count, self.num_heads, -1)).permute(0, 2, 3, 1, 4)


@MODELS.register_module()
class FrameTokens(BaseModule):
    """Read the T frame features of a view with a Transformer, and keep the frames.

    Args:
        embed_dims: Width D of the frame features.
        num_frames: Largest number of frames T of a view; shorter views take the first positions.
        num_heads: Number of attention heads.
        head_dims: Width of one head.
        mlp_dims: Width of the hidden layer.
        num_layers: Number of Transformer layers; 0 adds the positions alone.
    """

    num_class_tokens = 0

    def __init__(self, embed_dims: int, num_frames: int, num_heads: int = 8, head_dims: int = 64,
                 mlp_dims: int = 1024, num_layers: int = 1) -> None:
        super().__init__()
        check_whole(self, embed_dims=embed_dims, num_frames=num_frames, num_heads=num_heads, head_dims=head_dims,
                    mlp_dims=mlp_dims)
        check_whole(self, least=self.num_class_tokens, num_layers=num_layers)
        if self.num_class_tokens:
            self.cls_token = nn.Parameter(torch.randn(1, 1, embed_dims))
        self.pos_embedding = nn.Parameter(torch.randn(1, num_frames + self.num_class_tokens, embed_dims))
        self.layers = nn.ModuleList(TemporalBlock(embed_dims, num_heads, head_dims, mlp_dims)
                                    for _ in range(num_layers))

    def forward(self, frame_features: Tensor) -> Tensor:
        """Map frame features (B, T, D) to tokens (B, T, D); InputError for too many frames or another width."""
        (_, num_frames, width), (_, most, embed_dims) = frame_features.shape, self.pos_embedding.shape
        if num_frames > most - self.num_class_tokens:
            raise InputError(f'{type(self).__name__}: a view has {num_frames} frames, but num_frames='
                             f'{most - self.num_class_tokens}. Set num_frames of the neck to clip_len of the sampling.')
        if width != embed_dims:
            raise InputError(f'{type(self).__name__}: features of width {width} arrived, but embed_dims={embed_dims}. '
                             'Set embed_dims of the neck to the width that the backbone gives.')
        if self.num_class_tokens:
            tokens = self.cls_token.expand(frame_features.shape[0], -1, -1)
            frame_features = torch.cat([tokens, frame_features], 1)  # (B, T+1, D)
        x = frame_features + self.pos_embedding[:, :frame_features.shape[1]]
        for number, layer in enumerate(self.layers, 1):
            x = layer(x, class_token_only=bool(self.num_class_tokens) and number == len(self.layers))
        return x


@MODELS.register_module()
class TemporalTransformer(FrameTokens):
    """Read the frames as ``FrameTokens`` does, behind a class token, which becomes the clip feature.

    Class token and learned positions are initialized from N(0, 1); there is no dropout and no final norm (reference
    implementation of arXiv 2509.14527). Options as of ``FrameTokens``, with at least one layer.
    """

    num_class_tokens = 1

    def forward(self, frame_features: Tensor) -> Tensor:
        """Map frame features (B, T, D) to clip features (B, D); InputError for too many frames or another width."""
        return super().forward(frame_features)[:, 0]


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
        return self.temporal(_time_steps(self, latent, self.num_steps))


@MODELS.register_module()
class AudioTokens(FrameTokens):
    """Average the latent audio map over frequency and add a learned position to each of its M' time steps.

    Args:
        embed_dims, num_steps: As of ``AudioTemporalTransformer``.
    """

    def __init__(self, embed_dims: int, num_steps: int) -> None:
        check_whole(self, num_steps=num_steps)
        super().__init__(embed_dims, num_steps, num_layers=0)

    def forward(self, latent: Tensor) -> Tensor:
        """Map latent maps (A, D, F', M') to tokens (A, M', D); InputError for another number of steps or width."""
        return super().forward(_time_steps(self, latent, self.pos_embedding.shape[1]))


def _time_steps(neck: nn.Module, latent: Tensor, num_steps: int) -> Tensor:
    """Average latent maps (A, D, F', M') over frequency to (A, M', D)."""
    if latent.shape[3] != num_steps:
        raise InputError(f'{type(neck).__name__}: the latent map has {latent.shape[3]} time steps, but '
                         f'num_steps={num_steps}. Set num_steps={latent.shape[3]}.')
    return latent.mean(2).transpose(1, 2)
