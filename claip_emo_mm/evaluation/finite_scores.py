"""Scores that are numbers: NaN compares false with everything, and would be the first class with no confidence."""
from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from claip_emo_mm.errors import InputError

DIVERGED = ('The training diverged, or the checkpoint is broken: lower the learning rate (optim_wrapper.optimizer.lr) '
            'or start from an earlier checkpoint.')


def check_scores(scores: np.ndarray, where: str, remedy: str = DIVERGED, names: Sequence[str] | None = None,
                 what: str = 'scores') -> None:
    """Check that scores are finite.

    Args:
        scores: (clips, ...).
        where: what they are of, such as a file.
        remedy: what is to be done about them.
        names: of the clips; None numbers them, from 1.
        what: they are called.
    Raises:
        InputError: some are infinite or NaN.
    """
    broken = np.flatnonzero(~np.isfinite(scores).all(axis=tuple(range(1, scores.ndim))))
    if len(broken):
        first = f'clip {broken[0] + 1}' if names is None else names[broken[0]]
        raise InputError(f'{where}: the {what} of {len(broken)} of {len(scores)} clips are not finite, those of '
                         f'{first} for instance. {remedy}')


def why_not_finite(model: nn.Module) -> str:
    """Say whether a model's weights are to blame for scores that are not finite, and what to do."""
    broken = [name for name, value in model.state_dict().items()
              if value.is_floating_point() and not torch.isfinite(value).all()]
    if broken:
        return (f"{len(broken)} of the model's weights hold values that are infinite or NaN, {broken[0]} for instance: "
                'take an earlier checkpoint.')
    return "The model's weights are finite: look for extreme values in the picture or the sound."
