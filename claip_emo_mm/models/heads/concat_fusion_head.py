"""Fusion by concatenation: one linear layer over the features of both modalities."""
from collections.abc import Sequence

import torch
from mmaction.registry import MODELS
from torch import Tensor

from claip_emo_mm.models.heads.fusion_head import FusionHead
from claip_emo_mm.utils import check_whole


@MODELS.register_module()
class ConcatFusionHead(FusionHead):
    """Concatenate the audio and the visual feature (in this order) and classify with one linear layer.

    Args:
        num_classes, loss_cls, label_smooth_eps, topk, average_clips: As in ``FusionHead``.
        visual_channels: Width D of the visual feature; 0 for a model without picture.
        audio_channels: Width D' of the audio feature; 0 for a model without sound.
    """

    needs_both = False

    def __init__(self, num_classes: int, visual_channels: int = 0, audio_channels: int = 0,
                 loss_cls: dict | None = None, label_smooth_eps: float = 0.0, topk: int | Sequence[int] = 1,
                 average_clips: str = 'prob') -> None:
        check_whole(self, least=0, visual_channels=visual_channels, audio_channels=audio_channels)
        super().__init__(num_classes, visual_channels, audio_channels, visual_channels + audio_channels, loss_cls,
                         label_smooth_eps, topk, average_clips)

    def fuse(self, visual: Tensor | None, audio: Tensor | None) -> Tensor:
        """(B, D) and (B, D') to (B, D' + D)."""
        return torch.cat([feature for feature in (audio, visual) if feature is not None], -1)
