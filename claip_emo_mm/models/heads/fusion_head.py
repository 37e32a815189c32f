"""Base class of the fusion heads, and the averaging of views."""
from abc import abstractmethod
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmaction.models.heads import BaseHead
from mmaction.structures import ActionDataSample
from torch import Tensor, nn

from claip_emo_mm.errors import InputError, check_choice, check_whole


class FusionHead(BaseHead):
    """Fuse the features of both modalities and classify with one linear layer.

    A subclass calls this constructor with the width of what its `fuse` returns.

    Args:
        num_classes: Classes K.
        visual_channels: Width D of the visual feature; 0 for a model without frames, where the head allows it.
        audio_channels: Width D' of the audio feature; 0 for a model without audio, where the head allows it.
        fused_channels: Width of the fused feature; None for a head whose `fuse` returns the logits.
        loss_cls: Config of the loss; None for cross entropy.
        label_smooth_eps: Label smoothing.
        topk: Ranks of which the training log shows the accuracy.
        average_clips: What is averaged over the views of a clip: ``'prob'`` softmax scores, ``'score'`` logits. A
            clip's scores are probabilities in both cases.
    """

    needs_both = True  # modalities
    reads_tokens = False  # (B, N, D) in place of (B, D)

    def __init__(self, num_classes: int, visual_channels: int, audio_channels: int, fused_channels: int | None,
                 loss_cls: dict | None = None, label_smooth_eps: float = 0.0, topk: int | Sequence[int] = 1,
                 average_clips: str = 'prob') -> None:
        widths = dict(visual_channels=visual_channels, audio_channels=audio_channels)
        check_whole(self, num_classes=num_classes, topk=topk if isinstance(topk, int | float) else tuple(topk))
        check_whole(self, least=0, **widths)
        if not any(widths.values()):
            raise InputError(f'{type(self).__name__}: visual_channels and audio_channels are both 0. '
                             "Set at least one of them to the width of that modality's feature.")
        if self.needs_both and not all(widths.values()):
            missing = next(name for name, width in widths.items() if not width)
            raise InputError(f'{type(self).__name__}: {missing} is 0, but this head fuses two modalities. '
                             'Use ConcatFusionHead for one.')
        check_choice(self, ('prob', 'score'), average_clips=average_clips)  # MMAction2's comes after the first epoch
        super().__init__(num_classes, fused_channels or num_classes, loss_cls or dict(type='CrossEntropyLoss'),
                         label_smooth_eps=label_smooth_eps, topk=topk if isinstance(topk, int) else tuple(topk),
                         average_clips=average_clips)
        for name in ('class_weight', 'class_counts'):
            numbers = getattr(self.loss_cls, name, None)
            if numbers is not None and len(numbers) != num_classes:
                raise InputError(f'{type(self).__name__}: {name} of loss_cls has {len(numbers)} numbers, but '
                                 f'num_classes={num_classes}. Give one number for each class.')
        self.visual_channels = visual_channels
        self.audio_channels = audio_channels
        self.fc = nn.Identity() if fused_channels is None else nn.Linear(fused_channels, num_classes)

    @abstractmethod
    def fuse(self, visual: Tensor | None, audio: Tensor | None) -> Tensor:
        """Fuse features (B, D) and (B, D'), or tokens (B, T, D) and (B, M', D'), to (B, fused_channels)."""

    def forward(self, visual: Tensor | None = None, audio: Tensor | None = None) -> Tensor:
        """Classify features (B, D) and (B, D'), or tokens (B, T, D) and (B, M', D'); returns logits (B, K)."""
        wanted, necks = (('(clips, tokens, width)', 'FrameTokens and AudioTokens') if self.reads_tokens else
                         ('(clips, width)', 'TemporalTransformer and AudioMeanPool'))
        for name, feature, channels in (('audio', audio, self.audio_channels),
                                        ('visual', visual, self.visual_channels)):
            if feature is not None and feature.ndim != 2 + self.reads_tokens:
                raise InputError(f'{type(self).__name__}: the {name} feature has the shape {tuple(feature.shape)}; '
                                 f'expected is {wanted}. {necks} are necks that give it.')
            found = 0 if feature is None else feature.shape[-1]
            if found != channels:
                raise InputError(f'{type(self).__name__}: the {name} feature has width {found}, but {name}_channels='
                                 f'{channels}. Set it to the width of the {name} backbone (0 without {name}).')
        return self.fc(self.fuse(visual, audio))

    def zero_feature(self, name: str, other: Tensor) -> Tensor:
        """Feature of a missing modality, beside the other one (B, ...): zeros (B, D), or one token (B, 1, D)."""
        return other.new_zeros(len(other), *(1,) * self.reads_tokens, getattr(self, f'{name}_channels'))

    def loss_by_feat(self, cls_scores: Tensor, data_samples: list[ActionDataSample]) -> dict[str, Tensor]:
        """Compute the loss and the accuracies for the log.

        Args:
            cls_scores: (B, K) logits.
            data_samples: One per clip; `gt_label` is its class (1,) or a soft label (K,), of which the accuracy takes
                the largest class.
        Returns: ``loss_cls`` and ``top1_acc`` (and others of `topk`).
        """
        labels = torch.stack([sample.gt_label for sample in data_samples])  # (B, 1) or (B, K)
        soft = labels.is_floating_point()
        if soft and labels.shape != cls_scores.shape:
            raise InputError(f'{type(self).__name__}: soft labels of {labels.shape[1]} classes arrived. '
                             f'Set model.data_preprocessor.blending.num_classes={self.num_classes}.')
        target = labels if soft else labels.squeeze(1)
        cls_scores = cls_scores.float()
        losses = {}
        if soft or target.ndim == 1:
            # MMAction2 computes them in NumPy: a GPU would wait for that before the backward pass.
            ranked = cls_scores.detach().topk(min(max(self.topk), self.num_classes)).indices  # (B, k)
            hits = ranked == (target.argmax(1) if soft else target)[:, None]
            losses.update({f'top{k}_acc': hits[:, :k].any(1).float().mean() for k in self.topk})
        if self.label_smooth_eps:
            target = target if target.ndim == 2 else F.one_hot(target, self.num_classes)
            target = (1 - self.label_smooth_eps) * target + self.label_smooth_eps / self.num_classes
        loss = self.loss_cls(cls_scores, target)
        return losses | (loss if isinstance(loss, dict) else dict(loss_cls=loss))

    def predict_by_feat(self, cls_scores: Tensor, data_samples: list[ActionDataSample]) -> list[ActionDataSample]:
        """Set each clip's scores, from the logits (B*V, K) of its views."""
        return set_scores(cls_scores, data_samples, self.average_clips)


def average_views(logits: Tensor, average_clips: str) -> Tensor:
    """Turn the logits (..., V, K) of views into probabilities (..., K), also for ``'score'``, unlike MMAction2."""
    return logits.softmax(-1).mean(-2) if average_clips == 'prob' else logits.mean(-2).softmax(-1)


def set_scores(logits: Tensor, data_samples: list[ActionDataSample], average_clips: str) -> list[ActionDataSample]:
    """Set scores and predicted class of B clips, from the logits (B*V, K) of their views."""
    scores = average_views(logits.unflatten(0, (len(data_samples), -1)), average_clips)  # (B, K)
    for sample, score in zip(data_samples, scores, strict=True):
        sample.set_pred_score(score).set_pred_label(score.argmax(-1, keepdim=True))
    return data_samples
