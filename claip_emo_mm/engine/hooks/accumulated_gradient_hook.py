"""Keeps gradients that are being accumulated when a checkpoint is written."""
from mmaction.registry import HOOKS
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from claip_emo_mm.engine.sharded_models import is_sharded, set_gradient_shards, unwrapped_model, whole_gradients

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
        self._loaded = checkpoint  # ResumeFileHook has yet to add to it

    def before_train(self, runner: Runner) -> None:
        gradients = self._loaded.get(KEY, {}) if runner._resume else {}
        self._loaded = {}
        if is_sharded(runner):
            self._shards = gradients
            return
        for name, parameter in unwrapped_model(runner).named_parameters():
            if name in gradients:
                parameter.grad = gradients[name].to(parameter.device)
