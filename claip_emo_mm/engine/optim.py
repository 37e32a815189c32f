"""Learning rate, gradients and random seeds of training steps."""

import numpy as np
from mmaction.registry import HOOKS, OPTIM_WRAPPER_CONSTRUCTORS
from mmengine.hooks import Hook
from mmengine.optim import DefaultOptimWrapperConstructor, OptimWrapper
from mmengine.runner import Runner, set_random_seed
from torch import Tensor, nn

from claip_emo_mm.engine.fsdp import mean_gradients, set_gradients
from claip_emo_mm.errors import check_whole

GRADIENTS_KEY = 'gradients'  # of a checkpoint


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class ScaledLROptimWrapperConstructor(DefaultOptimWrapperConstructor):
    """MMEngine's constructor with the learning rate multiplied by `accumulative_counts`.

    With ``auto_scale_lr=dict(base_batch_size=N, enable=True)``, which ignores accumulation, `lr` is then the rate for
    every N clips of an optimizer step. Parameters with equal settings share one group, so that AdamW updates them
    together; frozen modules are skipped without a warning for each parameter. The arguments are MMEngine's.
    """

    def __init__(self, optim_wrapper_cfg: dict, paramwise_cfg: dict | None = None) -> None:
        optimizer = dict(optim_wrapper_cfg['optimizer'])
        accumulated = optim_wrapper_cfg.get('accumulative_counts', 1)
        check_whole('optim_wrapper', accumulative_counts=accumulated)
        if 'lr' in optimizer:
            optimizer['lr'] *= accumulated
        super().__init__(dict(optim_wrapper_cfg, optimizer=optimizer), paramwise_cfg)

    def __call__(self, model: nn.Module) -> OptimWrapper:
        """Build the optimizer of a model's trainable parameters."""
        wrapper = super().__call__(model)
        wrapper.base_param_settings = None  # would be logged as base_lr, which `auto_scale_lr` does not scale
        return wrapper

    def add_params(self, params: list[dict], module: nn.Module, prefix: str = '',
                   is_dcn_module: int | float | None = None) -> None:
        """Append the parameter groups of a module; for the whole model (no prefix), join those with equal settings."""
        if any(parameter.requires_grad for parameter in module.parameters()):
            super().add_params(params, module, prefix, is_dcn_module)
        if prefix:
            return
        groups, params[:] = list(params), []
        for group in groups:
            equal = next((other for other in params if dict(other, params=None) == dict(group, params=None)), None)
            if equal is None:
                params.append(dict(group, params=list(group['params'])))
            else:
                equal['params'] += group['params']


@HOOKS.register_module()
class AccumulatedGradientHook(Hook):
    """Save accumulated gradients in checkpoints that are written between two optimizer steps, and restore them.

    With `accumulative_counts` an epoch may end between two steps, and MMEngine loses the gradients on resuming. With
    several processes their mean is kept, which gives the same step; with FSDP, the gradients of the full parameters.
    """

    priority = 'LOW'  # before the checkpoint is written

    def __init__(self) -> None:
        self._gradients: dict[str, Tensor] = {}
        self._loaded: dict = {}  # checkpoint, until the first iteration

    def after_train_epoch(self, runner: Runner) -> None:
        self._gradients = {} if runner.optim_wrapper.should_update() else mean_gradients(runner)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: dict | tuple | list | None = None) -> None:
        self._gradients = {}
        if runner._resume and GRADIENTS_KEY in self._loaded:
            set_gradients(runner, self._loaded[GRADIENTS_KEY])
        self._loaded = {}

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        if self._gradients and 'optimizer' in checkpoint:
            checkpoint[GRADIENTS_KEY] = self._gradients

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        self._loaded = checkpoint  # ResumeStateHook has yet to add to it


@HOOKS.register_module()
class IterationSeedHook(Hook):
    """Seed Python, NumPy and PyTorch before every iteration from the run's seed and the iteration number.

    Dropout and mixup then do not depend on interruptions. Random transforms are seeded by `SeededBatchSampler`.
    """

    priority = 'VERY_HIGH'

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: dict | tuple | list | None = None) -> None:
        seed = int(np.random.SeedSequence([runner.seed, runner.iter]).generate_state(1)[0]) // 2
        set_random_seed(seed, diff_rank_seed=runner._randomness_cfg.get('diff_rank_seed', False))
