"""Averaged weights (mmengine's EMAHook) of models that are frozen for the most part."""
import re
from functools import wraps

import torch
from mmengine.hooks import EMAHook
from mmengine.model import BaseAveragedModel
from mmengine.runner import Runner, load_state_dict
from torch import nn

AVERAGED = 'ema_state_dict'  # key of a checkpoint; MMAction2 keeps the weights of the last step there
_PREFIX = 'module.'  # of the keys in it


def repair_averaging() -> None:
    """Let averaged models share the frozen parameters with the model that they average.

    mmengine 0.10.7 copies and averages all of them. Shows as twice the memory of a frozen encoder, and nowhere where a
    checkpoint leaves the encoder out: a resumed run validates with the copy of another encoder, if it is a random one.
    Can go when `BaseAveragedModel` leaves out what needs no gradient.
    """
    original_init = BaseAveragedModel.__init__

    @wraps(original_init)
    def init(self: BaseAveragedModel, model: nn.Module, *args: object, **kwargs: object) -> None:
        original_init(self, model, *args, **kwargs)
        frozen = {name: parameter for name, parameter in model.named_parameters(remove_duplicate=False)
                  if not parameter.requires_grad}
        for name, parameter in frozen.items():
            path, _, own_name = name.rpartition('.')
            self.module.get_submodule(path)._parameters[own_name] = parameter
        self.avg_parameters = {name: value for name, value in self.avg_parameters.items() if name not in frozen}

    BaseAveragedModel.__init__ = init


def repair_averaged_loading() -> None:
    """Let EMAHook take a checkpoint that leaves frozen weights out.

    mmengine 0.10.7 wants all keys of the model: shows as a list of missing keys with every checkpoint that is tested,
    and with `strict_load=True` as an error. What is left out is what the averaged model shares with the model. Can go
    when checkpoints are whole.
    """
    EMAHook.after_load_checkpoint = _after_load_checkpoint


def _after_load_checkpoint(self: EMAHook, runner: Runner, checkpoint: dict) -> None:
    averaged = self.ema_model
    if runner._resume and AVERAGED in checkpoint:
        self._swap_ema_state_dict(checkpoint)
        averaged.load_state_dict({**averaged.state_dict(), **checkpoint[AVERAGED]}, strict=self.strict_load)
        return
    if runner._resume:
        runner.logger.warning('The checkpoint holds no averaged weights: EMAHook begins with a copy of its weights.')
    given = {re.sub(f'^{_PREFIX}', '', key): value for key, value in checkpoint.get('state_dict', checkpoint).items()}
    with torch.no_grad():
        load_state_dict(averaged.module, {**averaged.module.state_dict(), **given}, strict=self.strict_load)


def averaged_key(key: str) -> str:
    """The model's key of a key in `ema_state_dict`; counters of the averaging have none and keep theirs."""
    return key.removeprefix(_PREFIX)
