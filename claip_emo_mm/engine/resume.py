"""Resuming: which checkpoint, and by which schedule."""
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.optim import OptimWrapperDict, _ParamScheduler
from mmengine.runner import CheckpointLoader, EpochBasedTrainLoop, Runner

from claip_emo_mm.errors import InputError

RESUME_SUFFIX = '.resume.pth'


def set_resume(cfg: Config, resume: str | None) -> None:
    """Apply `--resume`: 'auto' goes on from the newest checkpoint of the work folder, where there is one.

    Where there is none, the config's own `load_from` is what the training begins from.

    Args:
        resume: 'auto', the path of a checkpoint, or None.
    Raises:
        InputError: the checkpoint is not there.
    """
    if resume is None:
        return
    if resume == 'auto':
        newest = newest_checkpoint(Path(cfg.work_dir))
        cfg.resume = newest is not None
        if newest is not None:
            cfg.load_from = str(newest)
    else:
        require_checkpoint(resume)
        cfg.resume = True
        cfg.load_from = resume


def newest_checkpoint(work_dir: Path) -> Path | None:
    """The checkpoint that MMEngine noted last in `work_dir/last_checkpoint`, also after the folder was moved.

    The note is written after the checkpoint, so a file that was cut off while it was written is never named. A note
    that was itself cut off (it is empty) is replaced by the newest file that can be resumed.

    Returns: its path; None where nothing has been saved yet.
    Raises:
        InputError: the named file is gone.
    """
    note = work_dir / 'last_checkpoint'
    if not note.is_file():
        return None
    named = note.read_text().strip()
    if not named:
        pairs = [path for path in work_dir.glob('*.pth') if resume_file(path).is_file()]
        return max(pairs, key=lambda path: path.stat().st_mtime, default=None)
    for path in (work_dir / Path(named).name, Path(named)):
        if path.is_file():
            return path
    raise InputError(f'{note}: it names {named}, which is not there. Go on from another checkpoint with --resume PATH, '
                     f'or delete {note} to begin anew.')


def best_checkpoint(work_dir: Path, monitor: str) -> Path | None:
    """The best checkpoint of the training whose last checkpoint lies in a work folder, as that one says.

    Args:
        work_dir: the folder, which may have been moved.
        monitor: metric by which it is the best, such as `WAR`.
    Returns: its path; None where the training chose none by this metric.
    Raises:
        InputError: the file is gone.
    """
    last = newest_checkpoint(work_dir)
    if last is None:
        return None
    state = resume_file(last) if resume_file(last).is_file() else last
    loaded = CheckpointLoader.load_checkpoint(str(state), map_location='cpu', logger='silent')
    told = (loaded.get('message_hub') or {}).get('runtime_info', {})
    named = told.get(f'best_ckpt_{monitor}') or told.get('best_ckpt')
    if not named or not Path(named).name.startswith(f'best_{monitor.replace("/", "_")}_epoch_'):
        return None
    path = work_dir / Path(named).name
    if not path.is_file():
        raise InputError(f'{path}: is not there, and {state} names it as the best checkpoint of the training. Copy it '
                         f'there, or delete {work_dir} and train again.')
    return path


def resume_file(checkpoint: str | Path) -> Path:
    """Where the state for resuming lies: `epoch_3.resume.pth` beside `epoch_3.pth`."""
    return Path(checkpoint).with_suffix(RESUME_SUFFIX)


def require_checkpoint(path: str) -> None:
    """Raises InputError where a local checkpoint is not a file; addresses (https://...) are MMAction2's matter."""
    if path.endswith(RESUME_SUFFIX):
        raise InputError(f'{path}: holds the optimizer\'s state alone. Give the checkpoint beside it: '
                         f'{path.removesuffix(RESUME_SUFFIX)}.pth.')
    if '://' not in path and not Path(path).is_file():
        what = 'is a folder' if Path(path).is_dir() else 'is not there'
        raise InputError(f'{path}: the checkpoint {what}. Expected a .pth file of a training, such as '
                         'work_dirs/<config name>/epoch_<n>.pth.')


BATCHES = 'batches_of_epoch'  # key of a checkpoint
_PROGRESS = ('last_step', '_global_step', '_last_value')  # of a schedule; the rest is its shape
_RATE = 'lr'
_SHOWN = 4


def follow_config(runner: Runner, checkpoint: dict[str, Any]) -> None:
    """Put the schedule of the config into a loaded checkpoint, as far as a training with this config would have come.

    MMAction2 goes on with the checkpoint's schedule: after more epochs were asked for, the rate stays at its last
    value; with another batch size it comes to its end too early or too late; another learning rate has no effect. A
    schedule that was not changed goes on as it was saved. One that follows an evaluation (ReduceOnPlateau) cannot be
    caught up with, and stays the checkpoint's. What else of the optimizer was changed has no effect, and the log says
    so.

    Args:
        runner: with its optimizer and schedules as they begin.
        checkpoint: about to be resumed; `param_schedulers`, the values in `optimizer` that they set, and `meta['iter']`
            are changed.
    """
    schedules = runner.param_schedulers or []
    if ('optimizer' not in checkpoint or isinstance(runner.optim_wrapper, OptimWrapperDict)
            or any(getattr(schedule, 'need_val_args', False) for schedule in schedules)):
        return
    meta, saved = checkpoint['meta'], checkpoint.get('param_schedulers') or []
    groups, saved_groups = runner.optim_wrapper.param_groups, checkpoint['optimizer']['param_groups']
    iterations, epochs = _progress(runner, checkpoint)
    changes = list(_changes(schedules, saved)) if schedules else []
    if iterations != meta['iter']:
        changes.append(f'iterations so far {meta["iter"]} -> {iterations}')
    if changes:
        _catch_up(runner, schedules, iterations, epochs)
    scheduled = {_RATE, *(schedule.param_name for schedule in schedules)} if changes or not schedules else set()
    for name in scheduled:
        before, now = ([group.get(name) for group in part] for part in (saved_groups, groups))
        for ours, theirs in zip(groups, saved_groups, strict=False):
            theirs.update({key: ours[key] for key in (name, f'initial_{name}') if key in ours})
        if before != now or changes:
            why = f' ({"; ".join(changes[:_SHOWN])}{"; ..." if len(changes) > _SHOWN else ""})' if changes else ''
            runner.logger.warning(f'The schedule of the optimizer\'s {name} is not the checkpoint\'s{why}. It follows '
                                  f'the config: {name} goes on at {_numbers(now)}, as a training with this config '
                                  f'would here; the checkpoint has {_numbers(before)}.')
    if changes and schedules:
        checkpoint['param_schedulers'] = [schedule.state_dict() for schedule in schedules]
    meta['iter'] = iterations
    _name_what_stays(runner, groups, saved_groups, {_RATE, *(schedule.param_name for schedule in schedules)})


def _progress(runner: Runner, checkpoint: dict[str, Any]) -> tuple[int, int]:
    """Iterations, in batches of this run, and epochs that are behind a checkpoint."""
    meta = checkpoint['meta']
    if not isinstance(runner.train_loop, EpochBasedTrainLoop):
        return meta['iter'], 0
    here = len(runner.train_dataloader)
    if checkpoint.get(BATCHES, here) == here:
        return meta['iter'], meta['epoch']
    return meta['epoch'] * here, meta['epoch']


def _changes(schedules: Sequence[_ParamScheduler], saved: Sequence[dict[str, Any]]) -> Iterator[str]:
    """In words, what of the shape of the schedules is not as it was saved."""
    if len(schedules) != len(saved):
        yield f'{len(saved)} schedules -> {len(schedules)}'
        return
    for schedule, state in zip(schedules, saved, strict=True):
        ours = schedule.state_dict()
        for key in sorted({*ours, *state} - {*_PROGRESS}):
            before, now = state.get(key), ours.get(key)
            if before != now:
                shown = (_numbers(value) if isinstance(value, list) else str(value) for value in (before, now))
                yield f'{type(schedule).__name__} {key} {" -> ".join(shown)}'


def _catch_up(runner: Runner, schedules: Sequence[_ParamScheduler], iterations: int, epochs: int) -> None:
    """Step the schedules as a training of so many iterations and epochs would have."""
    per_epoch = len(runner.train_dataloader) if epochs else 0
    with warnings.catch_warnings():
        warnings.filterwarnings('ignore', message='Detected call of `scheduler.step')  # there is no step to be taken
        for iteration in range(1, iterations + 1):
            ends = bool(epochs) and iteration % per_epoch == 0
            for by_epoch in (False, True) if ends else (False,):
                for schedule in schedules:
                    if schedule.by_epoch == by_epoch:
                        schedule.step()


def _name_what_stays(runner: Runner, groups: Sequence[dict], saved: Sequence[dict], followed: set[str]) -> None:
    stays = {key: (theirs[key], value) for ours, theirs in zip(groups, saved, strict=False)
             for key, value in ours.items() if key in theirs and key not in followed
             and isinstance(value, bool | int | float | tuple) and not key.startswith('initial_')
             and theirs[key] != value}
    if stays:
        differences = ', '.join(f'{key} {before} (the config: {now})' for key, (before, now) in sorted(stays.items()))
        runner.logger.warning(f'Resumed as it was saved, whatever the config says: the optimizer\'s {differences}. To '
                              'change it, begin anew from these weights: --cfg-options load_from=CHECKPOINT.')


def _numbers(values: Sequence[float]) -> str:
    """Different values of the groups, in order."""
    return ', '.join(dict.fromkeys(f'{value:.4g}' if isinstance(value, float) else str(value) for value in values))
