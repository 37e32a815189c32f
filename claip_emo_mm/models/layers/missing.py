"""Missing modalities: gathering, masking, modality dropout."""
from dataclasses import dataclass

import torch
from torch import Tensor

from claip_emo_mm.errors import InputError


def gather(items: Tensor, index: Tensor) -> Tensor:
    """Gather items by index, and zeros where the index is ``MISSING_INDEX``.

    Args:
        items: (n, ...).
        index: integers of any shape, ``MISSING_INDEX`` (-1) to n - 1.
    Returns: (*index.shape, ...).
    """
    return torch.cat([items, items.new_zeros(1, *items.shape[1:])])[index]  # -1 is the last one


def mask_features(left_out: Tensor, features: Tensor) -> Tensor:
    """Replace the features (B, ...) of clips by zeros where `left_out` (B,) is true; no gradient passes there."""
    return features.masked_fill(left_out.view(-1, *[1] * (features.ndim - 1)), 0)


@dataclass(frozen=True)
class ModalityDropout:
    """Replace the feature of one modality of a clip by zeros, as that of a clip which lacks it; never of both.

    Args:
        visual: Share of the clips that lose their frame.
        audio: Share of the clips that lose their audio; other clips than those.
    Raises:
        InputError: A ratio is below 0, or both together are more than 1.
    """

    visual: float = 0.
    audio: float = 0.

    def __post_init__(self) -> None:
        if min(self.visual, self.audio) < 0 or self.visual + self.audio > 1:
            raise InputError(f'modality_dropout: visual is {self.visual} and audio {self.audio}. Expected ratios of '
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
        return dict(visual=mask_features(lost['visual'] & ~left_out['audio'], features['visual']),
                    audio=mask_features(lost['audio'] & ~left_out['visual'], features['audio']))
