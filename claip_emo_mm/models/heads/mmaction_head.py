"""Fusion with a classification head of MMAction2."""
import inspect

import torch
from mmaction.models.heads import BaseHead
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.model import BaseModule
from torch import Tensor, nn

from claip_emo_mm.errors import InputError
from claip_emo_mm.models.heads.fusion_head import set_scores

_MAPS = {nn.AdaptiveAvgPool2d: (1, 1), nn.AdaptiveAvgPool3d: (1, 1, 1), nn.AdaptiveMaxPool3d: (1, 1, 1)}


@MODELS.register_module()
class MMActionFusionHead(BaseModule):
    """Concatenate the audio and the visual feature (in this order) and give them to a head of MMAction2.

    MMAction2's heads that classify one feature a clip will do: `TSNHead`, `I3DHead`, `X3DHead`, `TSNAudioHead`,
    `TimeSformerHead`, `UniFormerHead`, `TSMHead` with `num_segments=1`. The loss is the head's own.

    Args:
        head: Config of the head; `in_channels` is the sum of the widths of both features, and `average_clips` is as of
            ``FusionHead``.
    """

    def __init__(self, head: dict) -> None:
        super().__init__()
        self.head: BaseHead = MODELS.build(head)
        if self.head.average_clips not in ('prob', 'score'):  # MMAction2 says so only after the first epoch
            raise InputError(f'MMActionFusionHead: head.average_clips is {self.head.average_clips!r}. Set '
                             f"average_clips='prob' or 'score' in the config of {type(self.head).__name__}.")
        self.num_classes, self.average_clips = self.head.num_classes, self.head.average_clips
        pool = getattr(self.head, 'avg_pool', None) or getattr(self.head, 'pool', None)  # X3DHead's is called pool
        self.map_shape = _MAPS.get(type(pool), ())
        counts_segments = 'num_segs' in inspect.signature(self.head.forward).parameters
        self.options = dict(num_segs=1) if counts_segments else {}

    def forward(self, visual: Tensor | None = None, audio: Tensor | None = None) -> Tensor:
        """Classify clips by features (B, D) and (B, D'), None where a modality is missing; returns logits (B, K)."""
        feature = torch.cat([feature for feature in (audio, visual) if feature is not None], -1)
        if feature.ndim != 2 or feature.shape[1] != self.head.in_channels:
            raise InputError(f'MMActionFusionHead: the features together have the shape {tuple(feature.shape)}, but '
                             f'head.in_channels={self.head.in_channels}. Set it to the sum of the widths of the '
                             'visual and the audio feature; each needs a neck that makes one vector a clip.')
        try:
            return self.head(feature.reshape(*feature.shape, *self.map_shape), **self.options)
        except torch.OutOfMemoryError:
            raise
        except (AssertionError, AttributeError, IndexError, RuntimeError, TypeError, ValueError) as error:
            raise InputError(f'MMActionFusionHead: {type(self.head).__name__} cannot classify one feature a clip '
                             f'({error}). Choose a head that does, such as TSNHead (num_segments=1).') from error

    def zero_feature(self, name: str, other: Tensor) -> Tensor:
        """Feature of a missing modality: zeros as wide as what the other one (B, D) leaves of the head's width."""
        return other.new_zeros(len(other), max(self.head.in_channels - other.shape[1], 0))

    def loss_by_feat(self, cls_scores: Tensor, data_samples: list[ActionDataSample]) -> dict[str, Tensor]:
        return self.head.loss_by_feat(cls_scores.float(), data_samples)

    def predict_by_feat(self, cls_scores: Tensor, data_samples: list[ActionDataSample]) -> list[ActionDataSample]:
        return set_scores(cls_scores, data_samples, self.average_clips)
