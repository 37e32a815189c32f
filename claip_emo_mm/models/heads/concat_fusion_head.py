"""Fusion by concatenation: one linear layer over the features of both modalities."""
from collections.abc import Sequence

import torch
from mmaction.evaluation import top_k_accuracy
from mmaction.models.heads import BaseHead
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from torch import Tensor, nn

from claip_emo_mm.errors import InputError


@MODELS.register_module()
class ConcatFusionHead(BaseHead):
    """Concatenate the audio and the visual feature (in this order) and classify with one linear layer.

    Args:
        num_classes: Classes K.
        visual_channels: Width D of the visual feature; 0 for a model without picture.
        audio_channels: Width D' of the audio feature; 0 for a model without sound.
        loss_cls: Config of the loss, built from mmaction's registry.
        label_smooth_eps: Label smoothing.
        topk: Ranks of which the training log shows the accuracy.
        average_clips: How the views of a clip become one score: ``'prob'`` averages softmax scores, ``'score'``
            averages logits.
    """

    def __init__(self, num_classes: int, visual_channels: int = 0, audio_channels: int = 0,
                 loss_cls: dict | None = None, label_smooth_eps: float = 0.0, topk: int | Sequence[int] = 1,
                 average_clips: str = 'prob') -> None:
        if visual_channels + audio_channels == 0:
            raise InputError('ConcatFusionHead: visual_channels and audio_channels are both 0. '
                             'Set at least one of them to the width of that modality\'s feature.')
        super().__init__(num_classes, visual_channels + audio_channels, loss_cls or dict(type='CrossEntropyLoss'),
                         label_smooth_eps=label_smooth_eps, topk=topk if isinstance(topk, int) else tuple(topk),
                         average_clips=average_clips)
        for name in ('class_weight', 'class_counts'):
            numbers = getattr(self.loss_cls, name, None)
            if numbers is not None and len(numbers) != num_classes:
                raise InputError(f'ConcatFusionHead: {name} of loss_cls has {len(numbers)} numbers, but num_classes='
                                 f'{num_classes}. Give one number for each class.')
        self.visual_channels = visual_channels
        self.audio_channels = audio_channels
        self.fc = nn.Linear(self.in_channels, num_classes)

    def forward(self, visual: Tensor | None = None, audio: Tensor | None = None) -> Tensor:
        """Classify clips.

        Args:
            visual: (B, D) clip features, None where the head was made without picture.
            audio: (B, D') clip features, None where the head was made without sound.
        Returns: logits (B, K).
        Raises:
            InputError: A modality is missing, too many, or has another width than the head was made for.
        """
        parts = []
        for name, feature, channels in (('audio', audio, self.audio_channels),
                                        ('visual', visual, self.visual_channels)):
            found = 0 if feature is None else feature.shape[-1]
            if found != channels:
                raise InputError(f'ConcatFusionHead: the {name} feature has width {found}, but '
                                 f'{name}_channels={channels}. Make {name}_channels of the head equal to the width '
                                 f'of the {name} backbone (0 without {name}).')
            if feature is not None:
                parts.append(feature)
        return self.fc(torch.cat(parts, -1))

    def loss_by_feat(self, cls_scores: Tensor, data_samples: list[ActionDataSample]) -> dict[str, Tensor]:
        """Compute the loss and, for the log, the accuracy.

        Args:
            cls_scores: (B, K) logits.
            data_samples: One per clip, `gt_label` being its class (1,) or a soft label (K,). A soft label's accuracy is
                that of its largest share: of the clip that one sees most of.
        Returns: ``loss_cls`` and ``top1_acc`` (and others of `topk`).
        Raises:
            InputError: The soft labels have another number of classes than the head.
        """
        labels = torch.stack([sample.gt_label for sample in data_samples])  # (B, 1) or (B, K)
        soft = labels.is_floating_point()
        if soft and labels.shape != cls_scores.shape:
            raise InputError(f'ConcatFusionHead: soft labels of {labels.shape[1]} classes arrived, but num_classes='
                             f'{self.num_classes}. Set model.data_preprocessor.blend.num_classes={self.num_classes}.')
        cls_scores = cls_scores.float()  # the host's accuracy goes through NumPy, which knows no bfloat16
        losses = super().loss_by_feat(cls_scores, data_samples)
        if soft:
            rates = top_k_accuracy(cls_scores.detach().cpu().numpy(), labels.argmax(1).cpu().numpy(), self.topk)
            losses.update({f'top{k}_acc': cls_scores.new_tensor(rate)
                           for k, rate in zip(self.topk, rates, strict=True)})
        return losses
