from .logit_adjusted_loss import LogitAdjustedLoss
from .softmax_focal_loss import SoftmaxFocalLoss

__all__ = ['LogitAdjustedLoss', 'SoftmaxFocalLoss']
