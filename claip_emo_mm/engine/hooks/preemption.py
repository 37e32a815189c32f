"""Saves and ends when the system asks the training to end (SIGTERM), as queues do before they kill it."""
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
from mmengine.dist import all_reduce, barrier, get_world_size, is_main_process
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner

from claip_emo_mm.compat.checkpoint_io import resumed_elsewhere, resumed_file
from claip_emo_mm.engine.loop import ResumableTrainLoop
from claip_emo_mm.engine.resume import resume_file
from claip_emo_mm.errors import InputError
from claip_emo_mm.utils.io import write_text

TERMINATED = 128 + signal.SIGTERM  # exit code, as a shell reports it
_TRAINED, _WHOLE = 'trained_batches', 'batches_of_epoch'  # in a checkpoint's meta


@HOOKS.register_module()
class PreemptionHook(Hook):
    """On SIGTERM finish the step of the optimizer, save `iter_<n>.pth`, and end with exit code 143.

    `--resume` goes on from there, in the middle of an epoch where the loop is a `ResumableTrainLoop`. With several
    processes it is enough that one of them gets the signal; they end after the same iteration. During an evaluation
    nothing is saved: it is made up for. The file goes when a later checkpoint has taken its place, if it lies in the
    work folder.

    Raises:
        InputError: a training that was interrupted within an epoch is resumed with another number of batches an epoch.
    """

    priority = 'LOWEST'  # after everything else that an iteration or an epoch does

    def __init__(self) -> None:
        self._asked = False
        self._before: Any = None
        self._replaced: Path | None = None  # the interrupted run's file

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        meta = checkpoint.get('meta') or {}
        if not getattr(runner, '_resume', False) or _TRAINED not in meta:
            return
        if not resumed_elsewhere(runner):
            self._replaced = Path(runner.work_dir, Path(resumed_file(runner)).name)
        if isinstance(runner.train_loop, EpochBasedTrainLoop):
            here = len(runner.train_loop.dataloader)
            if not isinstance(runner.train_loop, ResumableTrainLoop) or here != meta[_WHOLE]:
                raise InputError(f'{runner._load_from}: was saved after {meta[_TRAINED]} of {meta[_WHOLE]} batches of '
                                 f'an epoch, which has {here} batches here. Resume with the same batch size, number of '
                                 "processes and train_cfg.type='ResumableTrainLoop', or from an epoch's checkpoint: "
                                 '--resume epoch_<n>.pth.')
            runner.train_loop.trained_batches = meta[_TRAINED]

    def before_train(self, runner: Runner) -> None:
        if threading.current_thread() is threading.main_thread():  # no other thread may set a handler
            self._before = signal.signal(signal.SIGTERM, self._ask)
        ending = RawValue('b', 0)  # shared with the workers
        Finalize(None, setattr, (ending, 'value', 1), exitpriority=100)  # before Python ends what is left of them
        for loop in (runner.train_loop, runner.val_loop):
            if loop is not None:  # torchrun and queues send it to the workers, too, and these are still needed
                loop.dataloader.worker_init_fn = partial(_let_live, loop.dataloader.worker_init_fn, ending)

    def after_train(self, runner: Runner) -> None:
        self._restore()

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None,
                         outputs: dict | None = None) -> None:
        loop = runner.train_loop
        by_epoch = isinstance(loop, EpochBasedTrainLoop)
        last = by_epoch and batch_idx + 1 == len(loop.dataloader)  # then `after_train_epoch` comes at once
        if not self._all_asked() or last or not runner.optim_wrapper.should_update():
            return
        if by_epoch and not isinstance(loop, ResumableTrainLoop):
            self._end(runner)  # the epoch would be trained from its beginning
        meta = dict(epoch=runner.epoch, iter=runner.iter + 1)
        if by_epoch:
            meta.update({_TRAINED: batch_idx + 1, _WHOLE: len(loop.dataloader)})
        self._save(runner, meta)
        self._end(runner)

    def after_train_epoch(self, runner: Runner) -> None:
        note = Path(runner.work_dir, 'last_checkpoint')
        if self._replaced is not None and is_main_process() and note.is_file() and (
                Path(note.read_text()).name != self._replaced.name):
            self._remove_replaced()
        if self._all_asked():
            self._end(runner)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        if self._before is not None and self._all_asked():
            self._end(runner)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._asked = True

    def _all_asked(self) -> bool:
        """Whether any process was asked to end: the same answer for all."""
        if get_world_size() == 1:
            return self._asked
        asked = torch.tensor(int(self._asked))
        all_reduce(asked, 'max')
        return bool(asked)

    def _save(self, runner: Runner, meta: dict[str, int]) -> None:
        path = Path(runner.work_dir, f'iter_{meta["iter"]}.pth')
        runner.message_hub.update_info('last_ckpt', str(path))  # where ResumeStateHook looks
        runner.save_checkpoint(runner.work_dir, path.name, meta=meta, by_epoch=False)
        if is_main_process():
            write_text(Path(runner.work_dir, 'last_checkpoint'), str(path))
            self._remove_replaced()

    def _end(self, runner: Runner) -> None:
        barrier()  # the first process that ends takes the others with it
        note = Path(runner.work_dir, 'last_checkpoint')
        last = note.read_text() if note.is_file() else None
        goes_on = f'--resume goes on from {last}' if last else 'nothing was saved yet'
        runner.logger.warning(f'SIGTERM: the training ends here; {goes_on}.')
        self._restore()
        raise SystemExit(TERMINATED)

    def _restore(self) -> None:
        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before)
            self._before = None

    def _remove_replaced(self) -> None:
        if self._replaced is not None:
            for path in (self._replaced, resume_file(self._replaced)):
                path.unlink(missing_ok=True)
            self._replaced = None


def _let_live(initialize: Callable[[int], None] | None, ending: Any, worker: int) -> None:
    """Initialize a worker process of a data loader, and let it live on when it gets SIGTERM, until `ending` is set."""
    signal.signal(signal.SIGTERM, lambda number, frame: os._exit(0) if ending.value else None)
    if initialize is not None:
        initialize(worker)
