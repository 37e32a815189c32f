"""Fusion by modulation: one modality scales and shifts the features of the other."""
from collections.abc import Sequence

from mmaction.registry import MODELS
from torch import Tensor, nn

from claip_emo_mm.errors import InputError
from claip_emo_mm.models.heads.fusion_head import FusionHead


@MODELS.register_module()
class FiLMFusionHead(FusionHead):
    """Feature-wise linear modulation (FiLM, arXiv 1709.07871), and one linear layer that classifies.

    ``(1 + scale) * feature + shift``, where scale and shift are linear in the other modality. Both begin at 0: the
    conditioning modality comes in as far as training finds it useful.

    Args:
        num_classes, visual_channels, audio_channels, loss_cls, label_smooth_eps, topk, average_clips: As in
            ``FusionHead``.
        condition: The modality that modulates the other one, ``'audio'`` or ``'visual'``.
    Raises:
        InputError: There is no such modality.
    """

    def __init__(self, num_classes: int, visual_channels: int, audio_channels: int, condition: str = 'audio',
                 loss_cls: dict | None = None, label_smooth_eps: float = 0.0, topk: int | Sequence[int] = 1,
                 average_clips: str = 'prob') -> None:
        widths = dict(audio=(audio_channels, visual_channels), visual=(visual_channels, audio_channels))
        if condition not in widths:
            raise InputError(f"FiLMFusionHead: condition is {condition!r}. Expected 'audio' or 'visual'.")
        given, modulated = widths[condition]
        super().__init__(num_classes, visual_channels, audio_channels, modulated, loss_cls, label_smooth_eps, topk,
                         average_clips)
        self.condition = condition
        self.modulation = nn.Linear(given, 2 * modulated)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def fuse(self, visual: Tensor, audio: Tensor) -> Tensor:
        """(B, D) and (B, D') to the width of the modality that is modulated."""
        given, feature = (audio, visual) if self.condition == 'audio' else (visual, audio)
        scale, shift = self.modulation(given).chunk(2, -1)
        return feature + scale * feature + shift
