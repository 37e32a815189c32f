"""Time steps of the sound that stay apart, for heads that read tokens."""
import torch
from mmaction.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn

from claip_emo_mm.errors import InputError
from claip_emo_mm.utils import check_whole


@MODELS.register_module()
class SoundTokens(BaseModule):
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
        """Make the tokens of one latent map per audio window.

        Args:
            latent: (A, D, F', M') output of the audio backbone.
        Returns: (A, M', D).
        Raises:
            InputError: The map does not have the number of time steps that the positions were made for, or another
                width.
        """
        num_steps = self.pos_embedding.shape[1]
        if latent.shape[3] != num_steps:
            raise InputError(f'SoundTokens: the latent map has {latent.shape[3]} time steps, but num_steps='
                             f'{num_steps}. Set num_steps={latent.shape[3]}.')
        if latent.shape[1] != self.pos_embedding.shape[2]:
            raise InputError(f'SoundTokens: a latent map of width {latent.shape[1]} arrived, but '
                             f'embed_dims={self.pos_embedding.shape[2]}. Set embed_dims of the neck to the width that '
                             'the backbone gives.')
        return latent.mean(2).transpose(1, 2) + self.pos_embedding
