"""Resuming: which checkpoint, and with which schedule."""
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.optim import OptimWrapperDict, _ParamScheduler
from mmengine.runner import CheckpointLoader, EpochBasedTrainLoop, Runner

from claip_emo_mm.errors import InputError

RESUME_SUFFIX = '.resume.pth'
EPOCH_LENGTH_KEY = 'batches_per_epoch'  # of a checkpoint
_PROGRESS = ('last_step', '_global_step', '_last_value')  # keys of a scheduler's state that change while it runs
_MAX_LISTED = 4


def set_resume(cfg: Config, resume: str | None) -> None:
    """Apply `--resume`: the path of a checkpoint, 'auto' for the latest one of the work folder if any, or None."""
    if resume is None:
        return
    if resume != 'auto':
        require_checkpoint(resume)
    checkpoint = latest_checkpoint(Path(cfg.work_dir)) if resume == 'auto' else resume
    cfg.resume = checkpoint is not None
    if cfg.resume:
        cfg.load_from = str(checkpoint)


def latest_checkpoint(work_dir: Path) -> Path | None:
    """Latest checkpoint by MMEngine's `last_checkpoint` file, also after the folder was moved; None before the first.

    Where that file is incomplete (empty), the latest checkpoint with a resume state is taken.
    """
    note = work_dir / 'last_checkpoint'
    if not note.is_file():
        return None
    named = note.read_text().strip()
    if not named:
        resumable = [path for path in work_dir.glob('*.pth') if resume_file(path).is_file()]
        return max(resumable, key=lambda path: path.stat().st_mtime, default=None)
    for path in (work_dir / Path(named).name, Path(named)):
        if path.is_file():
            return path
    raise InputError(f'{note}: it names {named}, which is not there. Resume from another checkpoint with --resume '
                     f'PATH, or delete {note} to begin anew.')


def best_checkpoint(work_dir: Path, monitor: str) -> Path | None:
    """Best checkpoint of a training by a metric, as its latest checkpoint names it; None where there is none."""
    latest = latest_checkpoint(work_dir)
    if latest is None:
        return None
    state = resume_file(latest) if resume_file(latest).is_file() else latest
    loaded = CheckpointLoader.load_checkpoint(str(state), map_location='cpu', logger='silent')
    info = (loaded.get('message_hub') or {}).get('runtime_info', {})
    named = info.get(f'best_ckpt_{monitor}') or info.get('best_ckpt')
    if not named or not Path(named).name.startswith(f'best_{monitor.replace("/", "_")}_epoch_'):
        return None
    path = work_dir / Path(named).name
    if not path.is_file():
        raise InputError(f'{path}: is not there, and {state} names it as the best checkpoint. Copy it, or train again.')
    return path


def resume_file(checkpoint: str | Path) -> Path:
    """File with the state for resuming: `epoch_3.resume.pth` beside `epoch_3.pth`."""
    return Path(checkpoint).with_suffix(RESUME_SUFFIX)


def require_checkpoint(path: str) -> None:
    """Raise InputError where a local checkpoint is not a file; URLs are left to MMEngine."""
    if path.endswith(RESUME_SUFFIX):
        raise InputError(f'{path}: holds the optimizer\'s state alone. Give the checkpoint beside it: '
                         f'{path.removesuffix(RESUME_SUFFIX)}.pth.')
    if '://' not in path and not Path(path).is_file():
        what = 'is a folder' if Path(path).is_dir() else 'is not there'
        raise InputError(f'{path}: the checkpoint {what}. Expected a .pth file of a training, such as '
                         'work_dirs/<config name>/epoch_<n>.pth.')


def follow_config(runner: Runner, checkpoint: dict[str, Any]) -> None:
    """Replace the schedule of a loaded checkpoint by the config's, advanced to the same point of the training.

    MMEngine resumes the checkpoint's schedule: the rate stays at its last value when more epochs are asked for, and
    another batch size or learning rate is ignored. An unchanged schedule, and one that follows an evaluation
    (ReduceOnPlateau), is resumed as it was saved. Other changed options of the optimizer are logged.
    """
    schedulers = runner.param_schedulers or []
    if ('optimizer' not in checkpoint or isinstance(runner.optim_wrapper, OptimWrapperDict)
            or any(getattr(scheduler, 'need_val_args', False) for scheduler in schedulers)):
        return
    meta, saved = checkpoint['meta'], checkpoint.get('param_schedulers') or []
    groups, saved_groups = runner.optim_wrapper.param_groups, checkpoint['optimizer']['param_groups']
    iterations, epochs = meta['iter'], 0
    if isinstance(runner.train_loop, EpochBasedTrainLoop):
        epochs, epoch_length = meta['epoch'], len(runner.train_dataloader)
        if checkpoint.get(EPOCH_LENGTH_KEY, epoch_length) != epoch_length:
            iterations = epochs * epoch_length
    changes = list(_changes(schedulers, saved)) if schedulers else []
    if iterations != meta['iter']:
        changes.append(f'iterations so far {meta["iter"]} -> {iterations}')
    if changes:
        _advance(runner, schedulers, iterations, epochs)
    scheduled = {'lr', *(scheduler.param_name for scheduler in schedulers)}
    for name in scheduled if changes or not schedulers else ():
        before, now = ([group.get(name) for group in each] for each in (saved_groups, groups))
        for group, saved_group in zip(groups, saved_groups, strict=False):
            saved_group.update({key: group[key] for key in (name, f'initial_{name}') if key in group})
        if before != now or changes:
            why = f' ({"; ".join(changes[:_MAX_LISTED])}{"; ..." * (len(changes) > _MAX_LISTED)})' if changes else ''
            runner.logger.warning(f'The schedule of the optimizer\'s {name} is not the checkpoint\'s{why}. It follows '
                                  f'the config: {name} goes on at {_format(now)}, as a training with this config '
                                  f'would here; the checkpoint has {_format(before)}.')
    if changes and schedulers:
        checkpoint['param_schedulers'] = [scheduler.state_dict() for scheduler in schedulers]
    meta['iter'] = iterations
    _log_ignored(runner, groups, saved_groups, scheduled)


def _changes(schedulers: Sequence[_ParamScheduler], saved: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Differences between the options of the schedulers and those that were saved."""
    if len(schedulers) != len(saved):
        yield f'{len(saved)} schedules -> {len(schedulers)}'
        return
    for scheduler, before in zip(schedulers, saved, strict=True):
        now = scheduler.state_dict()
        for key in sorted({*now, *before} - {*_PROGRESS}):
            if before.get(key) != now.get(key):
                old, new = (_format(value) if isinstance(value, list) else value
                            for value in (before.get(key), now.get(key)))
                yield f'{type(scheduler).__name__} {key} {old} -> {new}'


def _advance(runner: Runner, schedulers: Sequence[_ParamScheduler], iterations: int, epochs: int) -> None:
    """Step the schedulers as a training of so many iterations and epochs would have."""
    epoch_length = len(runner.train_dataloader) if epochs else 0
    with warnings.catch_warnings():
        warnings.filterwarnings('ignore', message='Detected call of `scheduler.step')  # there is no optimizer step
        for iteration in range(1, iterations + 1):
            epoch_ends = epochs and iteration % epoch_length == 0
            for scheduler in sorted(schedulers, key=lambda scheduler: scheduler.by_epoch):  # as MMEngine's hook does
                if epoch_ends or not scheduler.by_epoch:
                    scheduler.step()


def _log_ignored(runner: Runner, groups: Sequence[dict], saved: Sequence[dict], scheduled: set[str]) -> None:
    """Log the optimizer options of the config that the resumed state overrules."""
    ignored = {key: (before[key], value) for group, before in zip(groups, saved, strict=False)
               for key, value in group.items() if key in before and key not in scheduled
               and isinstance(value, bool | int | float | tuple) and not key.startswith('initial_')
               and before[key] != value}
    if ignored:
        differences = ', '.join(f'{key} {before} (the config: {now})' for key, (before, now) in sorted(ignored.items()))
        runner.logger.warning(f'Resumed as it was saved, whatever the config says: the optimizer\'s {differences}. To '
                              'change it, begin anew from these weights: --cfg-options load_from=CHECKPOINT.')


def _format(values: Sequence[float]) -> str:
    """Distinct values, in order."""
    return ', '.join(dict.fromkeys(f'{value:.4g}' if isinstance(value, float) else str(value) for value in values))
