"""Finds the checkpoint that an interrupted training goes on from, and the best one of a training."""
from pathlib import Path

from mmengine.config import Config
from mmengine.runner import CheckpointLoader

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
        monitor: figure by which it is the best, such as `WAR`.
    Returns: its path; None where the training chose none by this figure.
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
    """Raises InputError where a local checkpoint is not a file; addresses (https://...) are the host's matter."""
    if path.endswith(RESUME_SUFFIX):
        raise InputError(f'{path}: holds the optimizer\'s state alone. Give the checkpoint beside it: '
                         f'{path.removesuffix(RESUME_SUFFIX)}.pth.')
    if '://' not in path and not Path(path).is_file():
        what = 'is a folder' if Path(path).is_dir() else 'is not there'
        raise InputError(f'{path}: the checkpoint {what}. Expected a .pth file of a training, such as '
                         'work_dirs/<config name>/epoch_<n>.pth.')
