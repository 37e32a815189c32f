"""Losses for imbalanced classes."""
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmaction.models.losses import BaseWeightedLoss
from mmaction.registry import MODELS
from torch import Tensor

from claip_emo_mm.errors import InputError


@MODELS.register_module()
class LogitAdjustedLoss(BaseWeightedLoss):
    """Cross entropy of the logits plus tau times the logarithm of each class's frequency (arXiv 2007.07314, eq. 10).

    A model trained with it gives balanced logits: in evaluation nothing is added.

    Args:
        class_counts: Training clips of each of the K classes.
        tau: Strength; 1 is consistent for the balanced error, 0 is plain cross entropy.
        loss_weight: Factor of the loss.
    """

    def __init__(self, class_counts: Sequence[float], tau: float = 1.0, loss_weight: float = 1.0) -> None:
        super().__init__(loss_weight)
        if not class_counts or min(class_counts) <= 0:
            raise InputError(f'LogitAdjustedLoss: class_counts is {list(class_counts)}. Expected one number above 0 '
                             'for each class: its clips in the training split.')
        self.class_counts = tuple(class_counts)
        counts = torch.tensor(self.class_counts, dtype=torch.float64)
        self.register_buffer('adjustment', (tau * (counts / counts.sum()).log()).float(), persistent=False)

    def _forward(self, cls_score: Tensor, label: Tensor) -> Tensor:
        return F.cross_entropy(cls_score + self.adjustment, label)


@MODELS.register_module()
class SoftmaxFocalLoss(BaseWeightedLoss):
    """Focal loss over a softmax: clips that are recognized already count less (arXiv 1708.02002).

    Every class adds -y (1 - p)^gamma log p, y being its share of the label and p its softmax score. The focal losses
    of MMAction2 (``CBFocalLoss``) and torchvision use a sigmoid for each class.

    Args:
        gamma: How much less; 0 is plain cross entropy.
        class_weight: Weight of each of the K classes, for a weighted mean as that of ``CrossEntropyLoss``; None for 1.
        loss_weight: Factor of the loss.
    """

    def __init__(self, gamma: float = 2.0, class_weight: Sequence[float] | None = None,
                 loss_weight: float = 1.0) -> None:
        super().__init__(loss_weight)
        self.gamma = gamma
        weight = None if class_weight is None else torch.tensor(class_weight, dtype=torch.float32)
        self.register_buffer('class_weight', weight, persistent=False)

    def _forward(self, cls_score: Tensor, label: Tensor) -> Tensor:
        """Loss of logits (B, K) for classes (B,) or soft labels (B, K)."""
        target = label if label.shape == cls_score.shape else F.one_hot(label, cls_score.shape[1])
        log_scores = cls_score.log_softmax(1)
        if self.class_weight is not None:
            target = target * self.class_weight
        # 1 - p by expm1: exact also where p is nearly 1, and never 0 ** gamma with an infinite gradient
        terms = -target * (-torch.expm1(log_scores)).clamp_min(torch.finfo(log_scores.dtype).tiny) ** self.gamma
        return (terms * log_scores).sum() / target.sum()
