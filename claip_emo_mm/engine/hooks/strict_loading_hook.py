"""Refuses a checkpoint that does not fit the model, which the host only warns of."""
import re
from collections.abc import Mapping, Sequence

import torch
from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from claip_emo_mm.errors import InputError

_SHOWN = 10


@HOOKS.register_module()
class StrictLoadingHook(Hook):
    """Compare every key and shape of a checkpoint with the model's before it is loaded or resumed.

    Args:
        ignore: regular expressions, searched from the start of a key. Keys that match may be missing, unexpected or of
            another shape, for instance `['cls_head']` to begin from a checkpoint with other classes.
    """

    priority = 'LOWEST'  # after hooks that rewrite the checkpoint

    def __init__(self, ignore: Sequence[str] = ()) -> None:
        if isinstance(ignore, str):
            raise InputError(f'StrictLoadingHook: ignore is the text {ignore!r}; expected a list: ignore=[{ignore!r}].')
        self.ignore = [re.compile(pattern) for pattern in ignore]

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        loaded = _without_wrapper(checkpoint.get('state_dict', checkpoint))
        wanted = model.state_dict()
        missing = self._counting([key for key in wanted if key not in loaded])
        unexpected = self._counting([key for key in loaded if key not in wanted])
        shared = [key for key in wanted if key in loaded]
        reshaped = self._counting([key for key in shared if _shape(wanted[key]) != _shape(loaded[key])])
        if missing or unexpected or reshaped:
            shapes = [f'{key} {_shape(loaded[key])}, the model {_shape(wanted[key])}' for key in reshaped]
            raise InputError('\n'.join([
                f'{runner._load_from or "resuming"}: the checkpoint does not fit the model of this config '
                f'({len(loaded)} keys in the checkpoint, {len(wanted)} in the model).',
                *_listed('missing in the checkpoint', missing),
                *_listed('unknown to the model', unexpected),
                *_listed('of another shape in the checkpoint', shapes),
                'Use the config that it was trained with. To load the rest of it all the same, name what may differ: '
                "dict(type='StrictLoadingHook', ignore=['cls_head']) in custom_hooks.",
            ]))

    def _counting(self, keys: list[str]) -> list[str]:
        return [key for key in keys if not any(pattern.match(key) for pattern in self.ignore)]


def _without_wrapper(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    # The host takes the prefix of a distributed wrapper away as it loads.
    return {re.sub(r'^module\.', '', key): value for key, value in state.items()}


def _shape(value: torch.Tensor) -> tuple[int, ...]:
    return tuple(value.shape)


def _listed(what: str, names: list[str]) -> list[str]:
    if not names:
        return []
    more = [f'    ... and {len(names) - _SHOWN} more'] if len(names) > _SHOWN else []
    return [f'  {len(names)} {what}:', *[f'    {name}' for name in names[:_SHOWN]], *more]
