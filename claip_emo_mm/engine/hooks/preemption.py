"""Hook that saves a checkpoint and ends the training on SIGTERM, which queues send before they kill it."""
import os
import signal
import threading
from collections.abc import Callable
from functools import partial
from multiprocessing import RawValue
from multiprocessing.util import Finalize
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from mmaction.registry import HOOKS
from mmengine.dist import all_reduce, barrier, is_main_process
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner, find_latest_checkpoint

from claip_emo_mm.compat.checkpoint_io import resumed_elsewhere, resumed_file
from claip_emo_mm.engine.loop import ResumableTrainLoop
from claip_emo_mm.engine.resume import EPOCH_LENGTH_KEY, resume_file
from claip_emo_mm.errors import InputError
from claip_emo_mm.utils.io import write_text

_EXIT_CODE = 128 + signal.SIGTERM  # as a shell reports it
_TRAINED_KEY = 'trained_batches'  # in a checkpoint's meta, beside EPOCH_LENGTH_KEY


@HOOKS.register_module()
class PreemptionHook(Hook):
    """On SIGTERM, finish the optimizer step, save `iter_<n>.pth`, and exit with code 143.

    `--resume` goes on from there, within an epoch where the loop is a `ResumableTrainLoop`. One of several processes
    needs to get the signal; all end after the same iteration. During an evaluation nothing is saved: it is repeated.
    The file is deleted after a later checkpoint is saved, if it lies in the work folder.
    """

    priority = 'LOWEST'  # after all other hooks of an iteration or epoch

    def __init__(self) -> None:
        self._signaled = False
        self._previous_handler: Any = None
        self._resumed: Path | None = None  # checkpoint of the interrupted run

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        meta = checkpoint.get('meta') or {}
        if not getattr(runner, '_resume', False) or _TRAINED_KEY not in meta:
            return
        if not resumed_elsewhere(runner):
            self._resumed = Path(runner.work_dir, Path(resumed_file(runner)).name)
        if isinstance(runner.train_loop, EpochBasedTrainLoop):
            length, saved_length = len(runner.train_loop.dataloader), meta[EPOCH_LENGTH_KEY]
            if not isinstance(runner.train_loop, ResumableTrainLoop) or length != saved_length:
                raise InputError(f'{runner._load_from}: was saved after {meta[_TRAINED_KEY]} of {saved_length} batches '
                                 f'of an epoch, which has {length} batches here. Resume with as many per process and '
                                 "train_cfg.type='ResumableTrainLoop', or from --resume epoch_<n>.pth.")
            runner.train_loop.trained_batches = meta[_TRAINED_KEY]

    def before_train(self, runner: Runner) -> None:
        if threading.current_thread() is threading.main_thread():  # no other thread may set a handler
            self._previous_handler = signal.signal(signal.SIGTERM, self._on_signal)
        ending = RawValue('b', 0)  # shared with the workers
        Finalize(None, setattr, (ending, 'value', 1), exitpriority=100)  # before Python ends the remaining workers
        for loop in (runner.train_loop, runner.val_loop):
            if loop is not None:  # torchrun and queues signal the workers too, which are still needed
                loop.dataloader.worker_init_fn = partial(_init_worker, loop.dataloader.worker_init_fn, ending)

    def after_train(self, runner: Runner) -> None:
        if self._previous_handler is not None:
            signal.signal(signal.SIGTERM, self._previous_handler)
            self._previous_handler = None

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        loop = runner.train_loop
        by_epoch = isinstance(loop, EpochBasedTrainLoop)
        last = by_epoch and batch_idx + 1 == len(loop.dataloader)  # then `after_train_epoch` comes at once
        if not self._any_signaled() or last or not runner.optim_wrapper.should_update():
            return
        if not by_epoch or isinstance(loop, ResumableTrainLoop):  # others would repeat the epoch
            meta = dict(epoch=runner.epoch, iter=runner.iter + 1)
            if by_epoch:
                meta.update({_TRAINED_KEY: batch_idx + 1, EPOCH_LENGTH_KEY: len(loop.dataloader)})
            path = Path(runner.work_dir, f'iter_{meta["iter"]}.pth')
            runner.message_hub.update_info('last_ckpt', str(path))  # read by ResumeStateHook
            runner.save_checkpoint(runner.work_dir, path.name, meta=meta, by_epoch=False)
            if is_main_process():
                write_text(Path(runner.work_dir, 'last_checkpoint'), str(path))
                self._remove_resumed()
        self._end(runner)

    def after_train_epoch(self, runner: Runner) -> None:
        if self._resumed is not None and is_main_process():
            last = find_latest_checkpoint(runner.work_dir)
            if last is not None and Path(last).name != self._resumed.name:
                self._remove_resumed()
        if self._any_signaled():
            self._end(runner)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        if self._previous_handler is not None and self._any_signaled():
            self._end(runner)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._signaled = True

    def _any_signaled(self) -> bool:
        """Whether any process got the signal: the same answer for all."""
        signaled = torch.tensor(int(self._signaled))
        all_reduce(signaled, 'max')
        return bool(signaled)

    def _end(self, runner: Runner) -> None:
        barrier()  # the first process that ends takes the others with it
        last = Path(runner.work_dir, 'last_checkpoint')
        goes_on = f'--resume goes on from {last.read_text()}' if last.is_file() else 'nothing was saved yet'
        runner.logger.warning(f'SIGTERM: the training ends here; {goes_on}.')
        self.after_train(runner)
        raise SystemExit(_EXIT_CODE)

    def _remove_resumed(self) -> None:
        if self._resumed is not None:
            for path in (self._resumed, resume_file(self._resumed)):
                path.unlink(missing_ok=True)
            self._resumed = None


def _init_worker(initialize: Callable[[int], None] | None, ending: Any, worker: int) -> None:
    """Initialize a worker of a data loader that ignores SIGTERM until `ending` is set."""
    signal.signal(signal.SIGTERM, lambda number, frame: os._exit(0) if ending.value else None)
    if initialize is not None:
        initialize(worker)
