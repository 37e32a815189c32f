"""Old checkpoints that go only when the new one is there."""
from collections.abc import Callable
from functools import wraps

from mmengine.fileio.backends import BaseStorageBackend
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner


def repair_removal() -> None:
    """Let CheckpointHook delete an old checkpoint after the new one was written.

    mmengine 0.10.7 deletes it before. Shows with `max_keep_ckpts=1`, or with the best checkpoint, when a training is
    killed in between, or the disk is full: there is none left. Can go when `_save_checkpoint_with_step` and
    `_save_best_checkpoint` save first.
    """
    for name in ('_save_checkpoint_with_step', '_save_best_checkpoint'):
        setattr(CheckpointHook, name, _removing_late(getattr(CheckpointHook, name)))


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
