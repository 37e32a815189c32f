"""Patches of MMEngine's hooks: averaged weights of partly frozen models, and rules for this project's metrics."""
from collections.abc import Callable, Sequence

import torch
from mmengine.hooks import CheckpointHook, EarlyStoppingHook, EMAHook
from mmengine.model import BaseAveragedModel
from mmengine.runner import Runner, load_state_dict
from torch import nn

from claip_emo_mm.compat import replace_method

AVERAGED = 'ema_state_dict'  # key of a checkpoint; MMEngine keeps the weights of the last step there
_PREFIX = 'module.'  # of the keys in it
_RULES = dict(war='greater', uar='greater', f1_macro='greater', f1_weighted='greater', ece='less')


def patch_averaging() -> None:
    """Let averaged models share the frozen parameters with the model that they average.

    MMEngine 0.10.7 copies and averages all of them. Shows as twice the memory of a frozen encoder, and silently where a
    checkpoint omits it: a resumed run validates with another encoder. Can go when `BaseAveragedModel` omits them.
    """
    @replace_method(BaseAveragedModel, '__init__')
    def init(original: Callable[..., None], self: BaseAveragedModel, model: nn.Module, *args: object,
             **kwargs: object) -> None:
        original(self, model, *args, **kwargs)
        frozen = {name: parameter for name, parameter in model.named_parameters(remove_duplicate=False)
                  if not parameter.requires_grad}
        for name, parameter in frozen.items():
            path, _, own_name = name.rpartition('.')
            self.module.get_submodule(path)._parameters[own_name] = parameter
        self.avg_parameters = {name: value for name, value in self.avg_parameters.items() if name not in frozen}


def patch_averaged_loading() -> None:
    """Let EMAHook load a checkpoint without frozen weights, which the averaged model shares with the model.

    MMEngine 0.10.7 expects all keys of the model. Shows as a list of missing keys with every checkpoint that is tested,
    and with `strict_load=True` as an error. Can go when checkpoints hold all weights.
    """
    @replace_method(EMAHook, 'after_load_checkpoint')
    def after_load_checkpoint(original: object, self: EMAHook, runner: Runner, checkpoint: dict) -> None:
        averaged = self.ema_model
        if runner._resume and AVERAGED in checkpoint:
            self._swap_ema_state_dict(checkpoint)
            averaged.load_state_dict({**averaged.state_dict(), **checkpoint[AVERAGED]}, strict=self.strict_load)
            return
        if runner._resume:
            runner.logger.warning('The checkpoint holds no averaged weights: EMAHook begins with a copy of its '
                                  'weights.')
        given = {averaged_key(key): value for key, value in checkpoint.get('state_dict', checkpoint).items()}
        with torch.no_grad():
            load_state_dict(averaged.module, {**averaged.module.state_dict(), **given}, strict=self.strict_load)


def averaged_key(key: str) -> str:
    """The model's key of a key in `ema_state_dict`; counters of the averaging have none and keep theirs."""
    return key.removeprefix(_PREFIX)


def patch_metric_rules() -> None:
    """Let CheckpointHook and EarlyStoppingHook know which metrics of `EmotionMetric` are better when larger.

    MMEngine 0.10.7 infers it from a fixed list of substrings ('acc', 'top' ...). Shows with `save_best='auto'` as
    "Cannot infer the rule for key WAR". A rule in the config is kept. Can go when a metric can tell its own rule.
    """
    def known(metric: str) -> str | None:
        return _RULES.get(metric.rpartition('/')[2].lower())

    @replace_method(CheckpointHook, '_init_rule')
    def init_rules(infer: Callable[..., None], self: CheckpointHook, rules: Sequence[str | None],
                   metrics: Sequence[str]) -> None:
        if len(rules) == 1:
            rules = list(rules) * len(metrics)
        infer(self, [rule or known(metric) for rule, metric in zip(rules, metrics, strict=True)], metrics)

    @replace_method(EarlyStoppingHook, '_init_rule')
    def init_rule(infer: Callable[..., str], self: EarlyStoppingHook, monitor: str) -> str:
        return known(monitor) or infer(self, monitor)
