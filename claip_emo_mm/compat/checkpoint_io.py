"""Atomic writing of checkpoints and logs; old checkpoints are deleted after the new one is saved."""
import logging
import posixpath
import sys
from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend
from mmengine.fileio.backends import BaseStorageBackend
from mmengine.hooks import CheckpointHook
from mmengine.logging import MMLogger
from mmengine.runner import Runner, find_latest_checkpoint

from claip_emo_mm.utils.file_errors import DISK_ERRORS, WriteError, write_error
from claip_emo_mm.utils.io import atomic_write

_CHECKPOINTS = ('.pth', '.safetensors')
GO_ON = 'The checkpoints that were saved before are as they were: make room and go on from the last one with --resume.'


def repair_writing() -> None:
    """Let mmengine write a local file under a temporary name and move it when it is complete.

    mmengine 0.10.7 writes a checkpoint straight to its final name. Shows after a crash or a full disk as a file that
    cannot be loaded, in place of the good one of the same name. `WholeFileBackend` takes the place of the backend for
    local paths. Can go when `LocalBackend.put` does the same.
    """
    register_backend('local', WholeFileBackend, force=True, prefixes='')


class WholeFileBackend(LocalBackend):
    """mmengine's backend for local files, whose files take their names when they are complete and on the disk."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write a file, and the folders above it where they are missing.

        Args:
            obj: content.
            filepath: path; a link stays, and the file that it points to is replaced.
        Raises:
            WriteError: it cannot be written; of a checkpoint it is said that those before it are as they were.
        """
        try:
            with atomic_write(filepath) as part:
                part.write_bytes(obj)
        except WriteError as error:
            if Path(filepath).suffix in _CHECKPOINTS and isinstance(error.__cause__, OSError):
                raise write_error(filepath, error.__cause__, GO_ON) from error
            raise

    def put_text(self, obj: str, filepath: str | Path, encoding: str = 'utf-8') -> None:
        """Write a text file in the same way."""
        self.put(obj.encode(encoding), filepath)


def repair_removal() -> None:
    """Let CheckpointHook delete an old checkpoint after the new one was written.

    mmengine 0.10.7 deletes it before. Shows with `max_keep_ckpts=1`, or with the best checkpoint, when a training is
    killed in between, or the disk is full: there is none left. Can go when `_save_checkpoint_with_step` and
    `_save_best_checkpoint` save first.
    """
    for name in ('_save_checkpoint_with_step', '_save_best_checkpoint'):
        setattr(CheckpointHook, name, _removing_late(getattr(CheckpointHook, name)))


def repair_removal_elsewhere() -> None:
    """Let CheckpointHook delete nothing but what lies in the folder that it saves to.

    A resumed training of mmengine 0.10.7 goes on with the old one's list of checkpoints and path of the best one. Shows
    with `--resume FILE --work-dir OTHER`: the best checkpoint of the old folder is deleted, or files of the new folder
    that have the names of the old one's; and with a work folder that was moved: two best checkpoints stay. What is
    listed is now looked for in the folder that is saved to, by its name, and forgotten where it is not there. Can go
    when `before_train` does that.
    """
    original_before = CheckpointHook.before_train

    @wraps(original_before)
    def before_train(self: CheckpointHook, runner: Runner) -> None:
        if 'keep_ckpt_ids' in runner.message_hub.runtime_info and resumed_elsewhere(runner):
            runner.message_hub.update_info('keep_ckpt_ids', [])
        original_before(self, runner)
        if self.save_best is not None:
            _look_for_best(self, runner)

    CheckpointHook.before_train = before_train


def resumed_file(runner: Runner) -> str | None:
    """Path of the checkpoint that a training goes on from; None where it begins anew."""
    if not getattr(runner, '_resume', False):
        return None
    source = runner._load_from or find_latest_checkpoint(runner.work_dir)
    return None if source is None else str(source)


def resumed_elsewhere(runner: Runner) -> bool:
    """Whether a training goes on from a checkpoint of another folder than its work folder."""
    source = resumed_file(runner)
    return source is not None and _folder(source) != _folder(f'{runner.work_dir}/file')


def _look_for_best(hook: CheckpointHook, runner: Runner) -> None:
    """Put the best checkpoint's path in the hook's own folder into it, or None where it is not there."""
    several = hasattr(hook, 'best_ckpt_path_dict')
    for name, path in list(hook.best_ckpt_path_dict.items() if several else [(None, hook.best_ckpt_path)]):
        if not path:
            continue
        own = hook.file_backend.join_path(hook.out_dir, posixpath.basename(path))
        found = own if hook.file_backend.exists(own) else None
        if found is None:
            runner.logger.warning(f'The best checkpoint so far, {path}, is not in {hook.out_dir}. It stays where it '
                                  'is; only a better one will be saved here.')
        if several:
            hook.best_ckpt_path_dict[name] = found
        else:
            hook.best_ckpt_path = found


def _folder(path: str) -> str:
    """Folder of a file; of a local one without links in its path."""
    return posixpath.dirname(path) if '://' in path else str(Path(path).expanduser().resolve().parent)


def _removing_late(save: Callable[..., None]) -> Callable[..., None]:
    @wraps(save)
    def save_first(self: CheckpointHook, runner: Runner, *args: object, **kwargs: object) -> None:
        backend = self.file_backend
        self.file_backend = waiting = _LateRemoval(backend)
        try:
            save(self, runner, *args, **kwargs)
        finally:
            self.file_backend = backend
        best = getattr(self, 'best_ckpt_path_dict', {}).values()
        waiting.remove_now(except_for={self.last_ckpt, getattr(self, 'best_ckpt_path', None), *best})

    return save_first


class _LateRemoval:
    """Stands for a storage backend, and only notes what is to be removed."""

    def __init__(self, backend: BaseStorageBackend) -> None:
        self._backend = backend
        self._noted: list[tuple[Callable[[str], None], str]] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._backend, name)

    def remove(self, path: str) -> None:
        """Note a file."""
        self._noted.append((self._backend.remove, path))

    def rmtree(self, path: str) -> None:
        """Note a folder."""
        self._noted.append((self._backend.rmtree, path))

    def remove_now(self, except_for: set[str | None]) -> None:
        """Remove what was noted, but for paths that have been written anew."""
        for remove, path in self._noted:
            if path not in except_for:
                remove(path)


def repair_log_files() -> None:
    """Let a full disk under a log file be an error that names the file.

    Python's logging prints a traceback for every line that cannot be written, and goes on. Shows with mmengine 0.10.7
    as two tracebacks and 80 lines in front of the one that tells what is wrong. Can go when `MMLogger` raises.
    """
    MMLogger.__init__ = _telling(MMLogger.__init__)


def _telling(initialize: Callable[..., None]) -> Callable[..., None]:
    @wraps(initialize)
    def tell(self: MMLogger, *args: object, **kwargs: object) -> None:
        initialize(self, *args, **kwargs)
        for handler in self.handlers:
            if isinstance(handler, logging.FileHandler):
                handler.handleError = partial(_handle, handler)

    return tell


def _handle(handler: logging.FileHandler, record: logging.LogRecord) -> None:
    error = sys.exc_info()[1]
    if isinstance(error, OSError) and error.errno in DISK_ERRORS:
        raise write_error(handler.baseFilename, error) from error
    logging.FileHandler.handleError(handler, record)
