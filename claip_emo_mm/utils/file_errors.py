"""One-line errors of files that cannot be read or written."""
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from claip_emo_mm.errors import InputError
from claip_emo_mm.utils.text import printable

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
DISK_ERRORS = (*_FULL, errno.EROFS)  # never of a file that is read
_REFUSED = (errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EIO)
_SOME_ROOM = 2 ** 20  # bytes
_REMEDIES = {errno.EISDIR: 'It is a folder: give the name of a file.',
             errno.ENOTDIR: 'Part of the path is a file: choose another folder.',
             errno.ENAMETOOLONG: 'Choose a shorter name.',
             **dict.fromkeys(_FULL, 'Make room, or choose another disk.')}
_REMEDY = 'Choose a place where you may write.'


class WriteError(InputError, OSError):
    """A result cannot be written: a full disk, no permission, a name that is a folder."""

    __str__ = BaseException.__str__  # the message, without the number of the error

    def __reduce__(self) -> tuple:
        return _told, (str(self), self.errno, self.strerror)  # as it travels from a worker process


def write_error(path: str | Path, error: OSError, remedy: str | None = None) -> WriteError:
    """Say in one line that a file or folder cannot be written, why, and what to do (None: what the error suggests)."""
    if isinstance(error, WriteError):
        return error
    reason = error.strerror or str(error)
    remedy = remedy or _REMEDIES.get(error.errno, _REMEDY)
    return _told(f'{printable(path)}: cannot be written ({reason}). {remedy}', error.errno, reason)


@contextmanager
def writing_to(place: str | Path, remedy: str | None = None) -> Iterator[None]:
    """Tell of what a disk refuses in the ``with`` block; errors of other files that are read there pass.

    Args:
        place: The file, or the folder of the files, that are written.
        remedy: What to do; None for what the error suggests.
    Raises:
        WriteError: A disk is full or write-protected, or ``place``, or what lies in it, cannot be written.
    """
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
        raise write_error(place if error.filename is None else os.fsdecode(error.filename), error, remedy) from error


def _told(message: str, number: int | None, reason: str) -> WriteError:
    error = WriteError(message)
    error.errno, error.strerror = number, reason
    return error


def _has_room(place: str | Path) -> bool:
    """Whether there is room where a file or folder lies, or would lie."""
    path = Path(os.path.abspath(place))
    status = os.statvfs(next(folder for folder in (path, *path.parents) if folder.exists()))
    return status.f_bavail * status.f_frsize > _SOME_ROOM


def lies_in(name: object, place: str | Path) -> bool:
    """Whether an error's file is a place or lies in it."""
    if not isinstance(name, str | bytes | os.PathLike):
        return False
    path = Path(os.path.abspath(os.fsdecode(name)))
    return Path(os.path.abspath(place)) in (path, *path.parents)


@contextmanager
def reading(path: str | os.PathLike) -> Iterator[None]:
    """Name the file or folder that the system refuses to read.

    Raises:
        InputError: it cannot be read: no permission, a link to nowhere, a broken disk.
    """
    try:
        yield
    except OSError as error:
        raise InputError(f'{path}: cannot be read ({error.strerror or error}). Correct the permissions, or copy the '
                         'file again.') from error
