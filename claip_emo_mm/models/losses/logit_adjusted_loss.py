"""Cross entropy that makes up for rare classes by their frequency."""
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

    A model that was trained so gives balanced logits: in evaluation nothing is added.

    Args:
        class_counts: Training clips of each of the K classes.
        tau: Strength; 1 is consistent for the balanced error, 0 is plain cross entropy.
        loss_weight: Factor of the loss.
    Raises:
        InputError: A class has no clip.
    """

    def __init__(self, class_counts: Sequence[float], tau: float = 1.0, loss_weight: float = 1.0) -> None:
        super().__init__(loss_weight)
        if not class_counts or min(class_counts) <= 0:
            raise InputError(f'LogitAdjustedLoss: class_counts is {list(class_counts)}. Expected one number above 0 '
                             'for each class: its clips in the training part.')
        self.class_counts = tuple(class_counts)
        counts = torch.tensor(self.class_counts, dtype=torch.float64)
        self.register_buffer('adjustment', (tau * (counts / counts.sum()).log()).float(), persistent=False)

    def _forward(self, cls_score: Tensor, label: Tensor) -> Tensor:
        """Loss of logits (B, K) for classes (B,) or soft labels (B, K)."""
        return F.cross_entropy(cls_score + self.adjustment, label)
