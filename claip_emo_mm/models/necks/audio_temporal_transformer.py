"""Clip feature of the sound that knows of time: a Transformer over the time steps of the latent map."""
from mmaction.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor

from claip_emo_mm.errors import InputError
from claip_emo_mm.models.necks.temporal_transformer import TemporalTransformer
from claip_emo_mm.utils import check_whole


@MODELS.register_module()
class AudioTemporalTransformer(BaseModule):
    """Average the latent audio map over frequency and read its M' time steps as ``TemporalTransformer`` reads frames.

    Args:
        embed_dims: Width D of the latent map.
        num_steps: Time steps M' of the latent map.
        num_heads: Number of attention heads.
        head_dims: Width of one head.
        mlp_dims: Width of the hidden layer.
        num_layers: Number of Transformer layers.
    """

    def __init__(self, embed_dims: int, num_steps: int, num_heads: int = 8, head_dims: int = 64, mlp_dims: int = 1024,
                 num_layers: int = 1) -> None:
        super().__init__()
        check_whole(self, embed_dims=embed_dims, num_steps=num_steps, num_heads=num_heads, head_dims=head_dims,
                    mlp_dims=mlp_dims, num_layers=num_layers)
        self.num_steps = num_steps
        self.temporal = TemporalTransformer(embed_dims, num_steps, num_heads, head_dims, mlp_dims, num_layers)

    def forward(self, latent: Tensor) -> Tensor:
        """Summarise one latent map per audio window.

        Args:
            latent: (A, D, F', M') output of the audio backbone.
        Returns: (A, D) features.
        Raises:
            InputError: The map does not have the number of time steps that the positions were made for.
        """
        if latent.shape[3] != self.num_steps:
            raise InputError(f'AudioTemporalTransformer: the latent map has {latent.shape[3]} time steps, but '
                             f'num_steps={self.num_steps}. Set num_steps={latent.shape[3]}.')
        return self.temporal(latent.mean(2).transpose(1, 2))  # from (A, M', D)
