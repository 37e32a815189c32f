"""Scores that are numbers: NaN compares false with everything, and would be the first class with no confidence."""
import numpy as np
import torch
from torch import nn

from claip_emo_mm.errors import InputError

DIVERGED = ('The training diverged, or the checkpoint is broken: lower the learning rate (optim_wrapper.optimizer.lr) '
            'or start from an earlier checkpoint.')


def check_scores(scores: np.ndarray, where: str, remedy: str = DIVERGED) -> None:
    """Check that scores are finite.

    Args:
        scores: (..., K); with two dimensions, of a clip each.
        where: what they are of.
        remedy: what is to be done about them.
    Raises:
        InputError: some are infinite or NaN.
    """
    finite = np.isfinite(scores)
    if finite.all():
        return
    if scores.ndim == 2:
        broken = np.flatnonzero(~finite.all(axis=1))
        raise InputError(f'{where}: the scores of {len(broken)} of {len(scores)} clips are not finite, those of clip '
                         f'{broken[0] + 1} for instance. {remedy}')
    raise InputError(f'{where}: {scores.size - np.count_nonzero(finite)} of {scores.size} scores are not finite. '
                     f'{remedy}')


def why_not_finite(model: nn.Module) -> str:
    """Say whether a model's weights are to blame for scores that are not finite, and what to do."""
    broken = [name for name, value in model.state_dict().items()
              if value.is_floating_point() and not torch.isfinite(value).all()]
    if broken:
        return (f"{len(broken)} of the model's weights hold values that are infinite or NaN, {broken[0]} for instance: "
                'take an earlier checkpoint.')
    return "The model's weights are finite: look for extreme values in the picture or the sound."
