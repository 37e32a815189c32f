"""Clip feature of the sound: the mean of the latent map."""
from mmaction.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor


@MODELS.register_module()
class AudioMeanPool(BaseModule):
    """Average the latent audio map over time and frequency (HTSAT's own ``embedding``)."""

    def forward(self, latent: Tensor) -> Tensor:
        """Average one latent map per audio window.

        Args:
            latent: (A, D, F', M') output of the audio backbone.
        Returns: (A, D) features.
        """
        return latent.mean((2, 3))
