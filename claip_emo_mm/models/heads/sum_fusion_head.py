"""Fusion by addition: both modalities in one space."""
from collections.abc import Sequence

from mmaction.registry import MODELS
from torch import Tensor, nn

from claip_emo_mm.models.heads.fusion_head import FusionHead
from claip_emo_mm.utils import check_whole


@MODELS.register_module()
class SumFusionHead(FusionHead):
    """Bring each feature to the same scale and width, add them, and classify with one linear layer.

    Without the layer norms this would compute what concatenation computes, as two linear layers in a row are one.

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
        self.visual_projection = nn.Sequential(nn.LayerNorm(visual_channels), nn.Linear(visual_channels, embed_dims))
        self.audio_projection = nn.Sequential(nn.LayerNorm(audio_channels), nn.Linear(audio_channels, embed_dims))

    def fuse(self, visual: Tensor, audio: Tensor) -> Tensor:
        """(B, D) and (B, D') to (B, embed_dims)."""
        return self.visual_projection(visual) + self.audio_projection(audio)
