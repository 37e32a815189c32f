"""Files that are never seen half-written: checkpoints, and whatever else mmengine writes to a disk."""
from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend

from claip_emo_mm.utils.io import atomic_write
from claip_emo_mm.utils.write_errors import WriteError, write_error

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
