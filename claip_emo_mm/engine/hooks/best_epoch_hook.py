"""Ends the search for the best epoch where a training would be stopped early, and lets the training go on."""
from mmaction.registry import HOOKS
from mmengine.hooks import CheckpointHook, EarlyStoppingHook
from mmengine.runner import Runner


@HOOKS.register_module()
class BestEpochHook(EarlyStoppingHook):
    """EarlyStoppingHook for a training that gives both protocols: it closes the choice of the best epoch instead.

    Where EarlyStoppingHook would end the training, `save_best` keeps what it has from there on, and the training goes
    on to its last epoch. So the best checkpoint is the one of a training that was stopped early, and the last one is
    of a training whose length nothing but the config decides. Its arguments are those of EarlyStoppingHook.
    """

    def before_train(self, runner: Runner) -> None:
        self._close_if_over(runner)  # an interrupted training goes on

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        if self.wait_count >= self.patience:
            return
        stop = runner.train_loop.stop_training
        super().after_val_epoch(runner, metrics)
        runner.train_loop.stop_training = stop
        if self._close_if_over(runner):
            runner.logger.info(f'The best epoch by {self.monitor} is chosen: a training that is stopped early would '
                               'end here. This one goes on to its last epoch.')

    def _close_if_over(self, runner: Runner) -> bool:
        over = self.wait_count >= self.patience
        if over:
            for hook in runner.hooks:
                if isinstance(hook, CheckpointHook):
                    hook.save_best = None
        return over
