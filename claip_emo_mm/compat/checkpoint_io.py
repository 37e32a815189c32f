"""Atomic writing of checkpoints and logs; old checkpoints are deleted only after the new one is saved."""
import logging
import posixpath
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from unittest.mock import patch

from mmengine.fileio import LocalBackend, register_backend
from mmengine.hooks import CheckpointHook
from mmengine.logging import MMLogger
from mmengine.runner import Runner, find_latest_checkpoint

from claip_emo_mm.compat import replace_method
from claip_emo_mm.utils.file_errors import DISK_ERRORS, WriteError, write_error
from claip_emo_mm.utils.io import atomic_write

GO_ON = 'The checkpoints that were saved before are as they were: make room and go on from the last one with --resume.'


def patch_writing() -> None:
    """Let MMEngine write local files atomically.

    MMEngine 0.10.7 writes a checkpoint straight to its final name. Shows after a crash or a full disk as a file that
    cannot be loaded, in place of the good one of the same name. Can go when `LocalBackend.put` is atomic.
    """
    register_backend('local', AtomicLocalBackend, force=True, prefixes='')


class AtomicLocalBackend(LocalBackend):
    """MMEngine's backend for local files with atomic writes."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write a file and its missing parent folders; the error of a checkpoint adds that earlier ones are intact."""
        try:
            with atomic_write(filepath) as temporary:
                temporary.write_bytes(obj)
        except WriteError as error:
            if Path(filepath).suffix in ('.pth', '.safetensors') and isinstance(error.__cause__, OSError):
                raise write_error(filepath, error.__cause__, GO_ON) from error
            raise

    def put_text(self, obj: str, filepath: str | Path, encoding: str = 'utf-8') -> None:
        """Write a text file in the same way."""
        self.put(obj.encode(encoding), filepath)


def patch_rotation() -> None:
    """Let CheckpointHook delete an old checkpoint only after the new one is saved.

    MMEngine 0.10.7 deletes it before. Shows with `max_keep_ckpts=1` or `save_best` when a training is killed in
    between or the disk is full: no checkpoint is left. Can go when both methods save first.
    """
    for name in ('_save_checkpoint_with_step', '_save_best_checkpoint'):
        replace_method(CheckpointHook, name)(_save_first)


def _save_first(save: Callable[..., None], self: CheckpointHook, *args: object, **kwargs: object) -> None:
    backend, pending = self.file_backend, []
    remove, rmtree = backend.remove, backend.rmtree
    with patch.multiple(backend, remove=lambda path: pending.append((remove, path)),
                        rmtree=lambda path: pending.append((rmtree, path))):
        save(self, *args, **kwargs)
    saved = {self.last_ckpt, getattr(self, 'best_ckpt_path', None), *getattr(self, 'best_ckpt_path_dict', {}).values()}
    for delete, path in pending:
        if path not in saved:  # written anew under the same name
            delete(path)


def patch_rotation_on_resume() -> None:
    """Let CheckpointHook delete only files in its own output folder.

    A resumed training of MMEngine 0.10.7 takes over the paths of checkpoints. Shows with `--resume FILE --work-dir
    OTHER`, which deletes the old folder's files. Can go when `before_train` looks in its own folder.
    """
    @replace_method(CheckpointHook, 'before_train')
    def before_train(original: Callable[..., None], self: CheckpointHook, runner: Runner) -> None:
        if 'keep_ckpt_ids' in runner.message_hub.runtime_info and resumed_elsewhere(runner):
            runner.message_hub.update_info('keep_ckpt_ids', [])
        original(self, runner)
        if self.save_best is not None:
            _find_best(self, runner)


def resumed_file(runner: Runner) -> str | None:
    """Path of the checkpoint that a training resumes from; None where it begins anew."""
    if not getattr(runner, '_resume', False):
        return None
    source = runner._load_from or find_latest_checkpoint(runner.work_dir)
    return None if source is None else str(source)


def resumed_elsewhere(runner: Runner) -> bool:
    """Whether a training resumes from a checkpoint outside its work folder."""
    source = resumed_file(runner)
    return source is not None and _folder(source) != _folder(f'{runner.work_dir}/file')


def _folder(path: str) -> str:
    """Parent folder, for a local file with links resolved."""
    return posixpath.dirname(path) if '://' in path else str(Path(path).expanduser().resolve().parent)


def _find_best(hook: CheckpointHook, runner: Runner) -> None:
    """Set the best checkpoint's path to its namesake in the hook's own folder, or to None where there is none."""
    several = hasattr(hook, 'best_ckpt_path_dict')
    for name, path in list(hook.best_ckpt_path_dict.items() if several else [(None, hook.best_ckpt_path)]):
        if not path:
            continue
        own = hook.file_backend.join_path(hook.out_dir, posixpath.basename(path))
        found = own if hook.file_backend.exists(own) else None
        if found is None:
            runner.logger.warning(f'The best checkpoint so far, {path}, is not in {hook.out_dir}, where only a better '
                                  'one will be saved.')
        if several:
            hook.best_ckpt_path_dict[name] = found
        else:
            hook.best_ckpt_path = found


def patch_log_files() -> None:
    """Let a full disk under a log file raise one error that names the file.

    Python's logging prints a traceback for every line that cannot be written, and goes on. Shows with MMEngine 0.10.7
    as two tracebacks and 80 lines before the error itself. Can go when `MMLogger` raises.
    """
    @replace_method(MMLogger, '__init__')
    def init(original: Callable[..., None], self: MMLogger, *args: object, **kwargs: object) -> None:
        original(self, *args, **kwargs)
        for handler in self.handlers:
            if isinstance(handler, logging.FileHandler):
                handler.handleError = partial(_handle_error, handler)


def _handle_error(handler: logging.FileHandler, record: logging.LogRecord) -> None:
    error = sys.exc_info()[1]
    if isinstance(error, OSError) and error.errno in DISK_ERRORS:
        raise write_error(handler.baseFilename, error) from error
    logging.FileHandler.handleError(handler, record)
