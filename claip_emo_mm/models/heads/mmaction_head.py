"""Fusion with a classification head of MMAction2."""
import inspect
from typing import Any

import torch
from mmaction.models.heads import BaseHead, GCNHead, MViTHead, SlowFastHead
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.model import BaseModule
from torch import Tensor, nn

from claip_emo_mm.errors import InputError
from claip_emo_mm.models.heads.fusion_head import set_scores

_MAPS = {nn.AdaptiveAvgPool2d: (1, 1), nn.AdaptiveAvgPool3d: (1, 1, 1), nn.AdaptiveMaxPool3d: (1, 1, 1)}

REFUSED_HEADS = {
    'FeatureHead': 'classifies nothing: it pools features, to extract them. Use TSNHead; tools/analysis_tools/features.'
                   'py extracts features.',
    'OmniHead': 'has a classifier for images beside that for videos, which would never be trained. Use TSNHead.',
    'RGBPoseHead': 'classifies frames and skeletons apart, with a loss for each. Use TSNHead, or a fusion head of this '
                   'project for two modalities.',
}


@MODELS.register_module()
class MMActionFusionHead(BaseModule):
    """Concatenate the audio and the visual feature (in this order) and give them to a head of MMAction2.

    The feature takes the form that the head reads: a map of one place and time step, SlowFast's two pathways, MViT's
    class token, the joints of a skeleton. `TSMHead` and `TRNHead` need `num_segments=1`. The loss is the head's own.

    Args:
        head: Config of the head; `in_channels` is the sum of the widths of both features, and `average_clips` is as of
            ``FusionHead``.
    Raises:
        InputError: The head cannot classify one feature a clip.
    """

    def __init__(self, head: dict) -> None:
        super().__init__()
        _check_head(head)
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
            return self.head(self._head_input(feature), **self.options)
        except torch.OutOfMemoryError:
            raise
        except (AssertionError, AttributeError, IndexError, RuntimeError, TypeError, ValueError) as error:
            raise InputError(f'MMActionFusionHead: {type(self.head).__name__} cannot classify one feature a clip '
                             f'({error}). Choose a head that does, such as TSNHead or I3DHead.') from error

    def _head_input(self, feature: Tensor) -> Any:
        """Give a feature (B, D) the form that the head reads."""
        maps = feature[..., None, None, None]  # (B, D, 1, 1, 1)
        if isinstance(self.head, SlowFastHead):
            return maps[:, 1:], maps[:, :1]  # it joins the fast pathway, the second, and the slow one
        if isinstance(self.head, MViTHead):
            return ((None, feature),) if self.head.with_cls_token else (maps,)  # (patches, class token) of a stage
        if isinstance(self.head, GCNHead):
            return feature[:, None, :, None, None]  # (B, people, D, T, joints)
        return feature.reshape(*feature.shape, *self.map_shape)

    def zero_feature(self, name: str, other: Tensor) -> Tensor:
        """Feature of a missing modality: zeros as wide as what the other one (B, D) leaves of the head's width."""
        return other.new_zeros(len(other), max(self.head.in_channels - other.shape[1], 0))

    def loss_by_feat(self, cls_scores: Tensor, data_samples: list[ActionDataSample]) -> dict[str, Tensor]:
        return self.head.loss_by_feat(cls_scores.float(), data_samples)

    def predict_by_feat(self, cls_scores: Tensor, data_samples: list[ActionDataSample]) -> list[ActionDataSample]:
        return set_scores(cls_scores, data_samples, self.average_clips)


def _check_head(head: dict) -> None:
    """Raise an `InputError` for a head that cannot be built, or used, for one feature a clip."""
    kind = MODELS.get(head['type']) if isinstance(head.get('type'), str) else head.get('type')
    names = [parent.__name__ for parent in getattr(kind, '__mro__', ())]
    for name in names:
        if name in REFUSED_HEADS:
            raise InputError(f'MMActionFusionHead: {name} {REFUSED_HEADS[name]}')
    needed = dict(num_segments=1) if {'TSMHead', 'TRNHead'} & set(names) else {}
    needed |= dict(relation_type='TRN') if 'TRNHead' in names else {}
    missing = [f'{option}={value!r}' for option, value in needed.items() if head.get(option) != value]
    if missing:
        raise InputError(f'MMActionFusionHead: {names[0]} compares the frames of a view, and here gets one feature a '
                         f'clip. Set {", ".join(missing)} in its config.')
