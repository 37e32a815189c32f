"""Learning rate and gradients under accumulation."""
from typing import Any

import numpy as np
from mmaction.registry import HOOKS, OPTIM_WRAPPER_CONSTRUCTORS
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.optim import DefaultOptimWrapperConstructor, OptimWrapper
from mmengine.runner import Runner, set_random_seed
from torch import Tensor, nn

from claip_emo_mm.engine.fsdp import is_sharded, set_gradient_shards, unwrapped_model, whole_gradients
from claip_emo_mm.errors import check_whole


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class ScaledLROptimWrapperConstructor(DefaultOptimWrapperConstructor):
    """MMEngine's constructor with the learning rate multiplied by `accumulative_counts`.

    With ``auto_scale_lr=dict(base_batch_size=N, enable=True)``, which looks at batch size and number of processes but
    not at accumulation, `lr` is then the rate for every N clips that a step of the optimizer sees.

    Parameters with equal settings share a group, where MMEngine makes one group of each: AdamW then steps through all
    of them at once. Frozen parts are left out without a warning for each of their parameters.

    Args:
        optim_wrapper_cfg: config of the optim wrapper, `optimizer` within.
        paramwise_cfg: MMEngine's options for single parameters.
    """

    def __init__(self, optim_wrapper_cfg: dict, paramwise_cfg: dict | None = None) -> None:
        optimizer = dict(optim_wrapper_cfg['optimizer'])
        accumulated = optim_wrapper_cfg.get('accumulative_counts', 1)
        check_whole('optim_wrapper', accumulative_counts=accumulated)
        if 'lr' in optimizer:
            optimizer['lr'] *= accumulated
        super().__init__(dict(optim_wrapper_cfg, optimizer=optimizer), paramwise_cfg)

    def __call__(self, model: nn.Module) -> OptimWrapper:
        """Build the optimizer for a model's trained parameters."""
        wrapper = super().__call__(model)
        wrapper.base_param_settings = None  # would be logged as base_lr, which `auto_scale_lr` does not scale
        return wrapper

    def add_params(self, params: list[dict], module: nn.Module, prefix: str = '',
                   is_dcn_module: int | float | None = None) -> None:
        """Append the groups of a module's trained parameters; of the whole model (no prefix), joined."""
        if any(parameter.requires_grad for parameter in module.parameters()):
            super().add_params(params, module, prefix, is_dcn_module)
        if not prefix:
            params[:] = join_groups(params)


def join_groups(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Join the parameters of groups with equal settings; groups stand in the order of their first parameter."""
    joined: list[dict[str, Any]] = []
    for group in groups:
        settings = {key: value for key, value in group.items() if key != 'params'}
        same = next((other for other in joined
                     if {key: value for key, value in other.items() if key != 'params'} == settings), None)
        if same is None:
            joined.append(dict(settings, params=list(group['params'])))
        else:
            same['params'] += group['params']
    return joined


KEY = 'gradients'  # of the checkpoint


@HOOKS.register_module()
class AccumulatedGradientHook(Hook):
    """Save the gradients of a checkpoint that is written between two steps of the optimizer, and go on with them.

    With `accumulative_counts` an epoch may end between two steps; MMEngine then loses what was accumulated when a
    training is resumed. Of several processes, whose gradients are not exchanged before the step, the mean is kept,
    which comes to the same step; of a model that FSDP shares out, the gradients of the whole parameters.
    """

    priority = 'LOW'  # before the checkpoint is written

    def __init__(self) -> None:
        self._gradients: dict[str, Tensor] = {}
        self._loaded: dict = {}
        self._shards: dict[str, Tensor] = {}  # of a resumed run, until its first iteration

    def after_train_epoch(self, runner: Runner) -> None:
        self._gradients = {}
        if runner.optim_wrapper.should_update():
            return
        if is_sharded(runner):
            self._gradients = whole_gradients(runner)
            return
        for name, parameter in unwrapped_model(runner).named_parameters():
            if parameter.grad is not None:
                gradient = parameter.grad.detach().clone()
                all_reduce(gradient, 'mean')
                self._gradients[name] = gradient.cpu()

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: dict | tuple | list | None = None) -> None:
        self._gradients = {}
        if self._shards:
            set_gradient_shards(runner, self._shards)
            self._shards = {}

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        if self._gradients and 'optimizer' in checkpoint:
            checkpoint[KEY] = self._gradients

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        self._loaded = checkpoint  # ResumeStateHook has yet to add to it

    def before_train(self, runner: Runner) -> None:
        gradients = self._loaded.get(KEY, {}) if runner._resume else {}
        self._loaded = {}
        if is_sharded(runner):
            self._shards = gradients
            return
        for name, parameter in unwrapped_model(runner).named_parameters():
            if name in gradients:
                parameter.grad = gradients[name].to(parameter.device)


@HOOKS.register_module()
class IterationSeedHook(Hook):
    """Seed Python's, NumPy's and PyTorch's random numbers before every iteration, from the run's seed and its number.

    Dropout, stochastic depth and the mixing of clips then do not depend on where a training was interrupted. What is
    drawn while a clip is read is seeded by `SeededBatchSampler`.
    """

    priority = 'VERY_HIGH'

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: dict | tuple | list | None = None) -> None:
        seed = int(np.random.SeedSequence([runner.seed, runner.iter]).generate_state(1)[0]) // 2
        set_random_seed(seed, diff_rank_seed=runner._randomness_cfg.get('diff_rank_seed', False))
