"""Training that does without a modality now and then."""
from dataclasses import dataclass

import torch
from torch import Tensor

from claip_emo_mm.errors import InputError
from claip_emo_mm.models.left_out import blank_where


@dataclass(frozen=True)
class ModalityDropout:
    """Replace the feature of one modality of a clip by zeros, as that of a clip which lacks it; never of both.

    Args:
        visual: Share of the clips that lose their picture.
        audio: Share of the clips that lose their sound; other clips than those.
    Raises:
        InputError: A share is below 0, or both together are more than 1.
    """

    visual: float = 0.
    audio: float = 0.

    def __post_init__(self) -> None:
        if min(self.visual, self.audio) < 0 or self.visual + self.audio > 1:
            raise InputError(f'modality_dropout: visual is {self.visual} and audio {self.audio}. Expected shares of '
                             'the clips, 0 to 1, that are not more than 1 together.')

    def __call__(self, features: dict[str, Tensor], left_out: dict[str, Tensor]) -> dict[str, Tensor]:
        """Draw for each clip which modality it loses, from torch's generator on the CPU.

        Args:
            features: ``visual`` (B, ...) and ``audio`` (B, ...).
            left_out: For both whether a clip lacks it already, (B,) bool; the other one then stays.
        Returns: new features.
        """
        drawn = torch.rand(len(features['visual'])).to(features['visual'].device)
        lost = dict(visual=drawn < self.visual, audio=(drawn >= self.visual) & (drawn < self.visual + self.audio))
        return dict(visual=blank_where(lost['visual'] & ~left_out['audio'], features['visual']),
                    audio=blank_where(lost['audio'] & ~left_out['visual'], features['audio']))
