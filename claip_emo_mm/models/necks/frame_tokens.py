"""Frame features that stay apart, for heads that read tokens."""
import torch
from mmaction.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn

from claip_emo_mm.errors import InputError
from claip_emo_mm.models.necks.temporal_transformer import TemporalBlock
from claip_emo_mm.utils import check_whole


@MODELS.register_module()
class FrameTokens(BaseModule):
    """Read the T frame features of a view as ``TemporalTransformer`` does, but keep the frames and have no class token.

    Args:
        embed_dims: Width D of the frame features.
        num_frames: Frames T of a view at most; shorter views take the first positions.
        num_heads: Number of attention heads.
        head_dims: Width of one head.
        mlp_dims: Width of the hidden layer.
        num_layers: Number of Transformer layers; 0 adds the positions alone.
    """

    def __init__(self, embed_dims: int, num_frames: int, num_heads: int = 8, head_dims: int = 64,
                 mlp_dims: int = 1024, num_layers: int = 1) -> None:
        super().__init__()
        check_whole(self, embed_dims=embed_dims, num_frames=num_frames, num_heads=num_heads, head_dims=head_dims,
                    mlp_dims=mlp_dims)
        check_whole(self, least=0, num_layers=num_layers)
        self.pos_embedding = nn.Parameter(torch.randn(1, num_frames, embed_dims))
        self.layers = nn.ModuleList(TemporalBlock(embed_dims, num_heads, head_dims, mlp_dims)
                                    for _ in range(num_layers))

    def forward(self, frame_features: Tensor) -> Tensor:
        """Let the frames of a view know of each other.

        Args:
            frame_features: (B, T, D).
        Returns: (B, T, D).
        Raises:
            InputError: The views have more frames than there are positions, or the features another width.
        """
        num_frames = self.pos_embedding.shape[1]
        if frame_features.shape[1] > num_frames:
            raise InputError(f'FrameTokens: a view has {frame_features.shape[1]} frames, but num_frames={num_frames}. '
                             'Set num_frames of the neck to clip_len of the sampling.')
        if frame_features.shape[2] != self.pos_embedding.shape[2]:
            raise InputError(f'FrameTokens: frame features of width {frame_features.shape[2]} arrived, but '
                             f'embed_dims={self.pos_embedding.shape[2]}. Set embed_dims of the neck to the width that '
                             'the backbone gives.')
        x = frame_features + self.pos_embedding[:, :frame_features.shape[1]]
        for layer in self.layers:
            x = layer(x)
        return x
