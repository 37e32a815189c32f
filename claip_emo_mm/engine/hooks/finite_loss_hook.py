"""A loss that is not a number ends the training, with the names of the clips it came from."""
import math
from collections.abc import Mapping
from typing import Any

import torch
from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.runner import Runner

from claip_emo_mm.datasets.skipped_clips import clip_name
from claip_emo_mm.errors import InputError


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Stop a training whose loss is infinite or not a number, before a checkpoint of it is written.

    With half precision the loss itself must stay finite too: it is the scaled gradients that may overflow, and the
    scaler skips those steps.

    Raises:
        InputError: with the iteration, the loss and the clips of the batch.
    """

    priority = 'VERY_HIGH'

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None,
                         outputs: Mapping[str, Any] | None = None) -> None:
        losses = {name: torch.as_tensor(value).detach().sum().item() for name, value in (outputs or {}).items()
                  if 'loss' in name}
        broken = {name: value for name, value in losses.items() if not math.isfinite(value)}
        if broken:
            found = ', '.join(f'{name} is {value}' for name, value in broken.items())
            raise InputError(f'iteration {runner.iter + 1}: {found}. The clips of this batch: '
                             f'{", ".join(_names(data_batch))}. Look at them (tools/browse_data.py, '
                             'tools/check_data.py); if they are sound, lower optim_wrapper.optimizer.lr. --resume goes '
                             'on from the last checkpoint, which was written before.')


def _names(data_batch: Any) -> list[str]:
    samples = data_batch.get('data_samples', ()) if isinstance(data_batch, Mapping) else ()
    return [clip_name(sample) for sample in samples] or ['(the data set does not name them)']
