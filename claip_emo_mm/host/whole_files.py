"""Files that are never seen half-written: checkpoints, and whatever else mmengine writes to a disk."""
import os
from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend


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
        """
        path = Path(os.path.realpath(filepath))
        if path.exists() and not path.is_file():  # a device or a pipe
            super().put(obj, filepath)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f'{path.name}.part')
        with part.open('wb') as file:
            file.write(obj)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
