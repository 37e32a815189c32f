"""Fusion by a gate: how much each modality counts, for each clip and each feature."""
from collections.abc import Sequence

import torch
from mmaction.registry import MODELS
from torch import Tensor, nn

from claip_emo_mm.models.heads.fusion_head import FusionHead
from claip_emo_mm.utils import check_whole


@MODELS.register_module()
class GatedFusionHead(FusionHead):
    """Gated multimodal unit (arXiv 1702.01992, section 3.1), and one linear layer that classifies.

    ``z * tanh(W_v visual) + (1 - z) * tanh(W_a audio)`` with the gate ``z = sigmoid(W_z [audio, visual])``.

    Args:
        num_classes, visual_channels, audio_channels, loss_cls, label_smooth_eps, topk, average_clips: As in
            ``FusionHead``.
        embed_dims: Width of the common space.
    """

    def __init__(self, num_classes: int, visual_channels: int, audio_channels: int, embed_dims: int = 512,
                 loss_cls: dict | None = None, label_smooth_eps: float = 0.0, topk: int | Sequence[int] = 1,
                 average_clips: str = 'prob') -> None:
        check_whole(self, embed_dims=embed_dims)
        super().__init__(num_classes, visual_channels, audio_channels, embed_dims, loss_cls, label_smooth_eps, topk,
                         average_clips)
        self.visual_projection = nn.Linear(visual_channels, embed_dims)
        self.audio_projection = nn.Linear(audio_channels, embed_dims)
        self.gate = nn.Linear(audio_channels + visual_channels, embed_dims)

    def fuse(self, visual: Tensor, audio: Tensor) -> Tensor:
        """(B, D) and (B, D') to (B, embed_dims)."""
        gate = self.gate(torch.cat([audio, visual], -1)).sigmoid()
        return torch.lerp(self.audio_projection(audio).tanh(), self.visual_projection(visual).tanh(), gate)
