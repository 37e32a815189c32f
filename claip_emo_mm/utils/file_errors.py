"""One-line errors of files that cannot be read or written."""
import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from claip_emo_mm.errors import InputError, printable

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
DISK_ERRORS = (*_FULL, errno.EROFS)  # never of a file that is read
_REFUSED = (errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EIO)
_SOME_ROOM = 2 ** 20  # bytes
_POINTER = b'version https://git-lfs.github.com/spec/v1'  # begins what git-lfs puts in place of a large file
LARGEST_POINTER = 1024  # bytes, by its specification
POINTER_HINT = ('Fetch the files in the clone that it is of: git lfs install && git lfs pull. A zip from GitHub holds '
                'pointers only: clone the repository instead.')
_HINTS = {errno.EISDIR: 'It is a folder: give the name of a file.',
          errno.ENOTDIR: 'Part of the path is a file: choose another folder.',
          errno.ENAMETOOLONG: 'Choose a shorter name.',
          **dict.fromkeys(_FULL, 'Make room, or choose another disk.')}


class WriteError(InputError, OSError):
    """A result cannot be written: a full disk, no permission, a name that is a folder."""

    __str__ = BaseException.__str__  # the message, without the number of the error

    def __init__(self, message: str, number: int | None, reason: str) -> None:
        super().__init__(message)
        self.errno, self.strerror = number, reason

    def __reduce__(self) -> tuple:
        return type(self), (str(self), self.errno, self.strerror)  # as it is sent from a worker process


def write_error(path: str | Path, error: OSError, hint: str | None = None) -> WriteError:
    """Make the error of a file or folder that cannot be written; `hint` says what to do, None for the usual."""
    if isinstance(error, WriteError):
        return error
    reason = error.strerror or str(error)
    hint = hint or _HINTS.get(error.errno, 'Choose a place where you may write.')
    return WriteError(f'{printable(path)}: cannot be written ({reason}). {hint}', error.errno, reason)


@contextmanager
def writing_to(place: str | Path, hint: str | None = None) -> Iterator[None]:
    """Turn errors of writing a file, or files of a folder, into a `WriteError`; errors of files that are read pass."""
    try:
        yield
    except WriteError:
        raise
    except OSError as error:
        if error.errno == errno.ENOSPC and error.filename is None and _has_room(place):  # it was another disk
            raise
        is_place = error.errno in _REFUSED and lies_in(error.filename, place)
        if error.errno not in DISK_ERRORS and not is_place:
            raise
        raise write_error(place if error.filename is None else os.fsdecode(error.filename), error, hint) from error


@contextmanager
def reading(path: str | os.PathLike) -> Iterator[None]:
    """Turn errors of the system in the ``with`` block into an `InputError` that names the file or folder."""
    try:
        yield
    except OSError as error:
        raise InputError(f'{path}: cannot be read ({error.strerror or error}). Correct the permissions, or copy the '
                         'file again.') from error


def is_pointer(content: bytes) -> bool:
    """Whether a file's content is a pointer of git-lfs: three lines of text in place of a large file."""
    return len(content) <= LARGEST_POINTER and content.startswith(_POINTER)


def is_pointer_file(path: str | os.PathLike) -> bool:
    """Whether a file is a pointer of git-lfs; raises an `InputError` where it cannot be read."""
    with reading(path):
        if os.path.getsize(path) > LARGEST_POINTER:
            return False
        with open(path, 'rb') as file:
            return is_pointer(file.read())


def check_pointer(path: str | os.PathLike) -> None:
    """Raise an `InputError` with the command that fetches the file, where a pointer of git-lfs is in its place."""
    if is_pointer_file(path):
        raise InputError(f'{printable(path)}: a git-lfs pointer, three lines of text in place of the file. '
                         f'{POINTER_HINT}')


def lies_in(name: object, place: str | Path) -> bool:
    """Whether an error's file is a place or is in it."""
    if not isinstance(name, str | bytes | os.PathLike):
        return False
    path = Path(os.path.abspath(os.fsdecode(name)))
    return Path(os.path.abspath(place)) in (path, *path.parents)


def _has_room(place: str | Path) -> bool:
    path = Path(os.path.abspath(place))
    return shutil.disk_usage(next(folder for folder in (path, *path.parents) if folder.exists())).free > _SOME_ROOM
