"""Atomic writing of files and folders."""
import csv
import errno
import io
import logging
import os
import re
import secrets
import shutil
import socket
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from claip_emo_mm.errors import InputError
from claip_emo_mm.utils.file_errors import DISK_ERRORS, WriteError, lies_in, write_error
from claip_emo_mm.utils.text import LONGEST_NAME

PART_SUFFIX = '.part'  # ends the name of a file or folder while it is written
_MOST_LINKS = 40


@contextmanager
def atomic_write(path: str | Path, suffix: str = PART_SUFFIX) -> Iterator[Path]:
    """Write a file under a temporary name, which takes its own name when the ``with`` block ends.

    Whatever ends the block early, the file that was there before is unchanged, and nothing is left behind. The
    temporary file lies in the same folder, which is made where it is missing, and is on the disk before it takes its
    name. A link stays, and the file that it points to is replaced. A file that is replaced keeps its owner and
    permissions, a new one has those of the umask. Devices, pipes and sockets are written to.

    Args:
        path: The file.
        suffix: Ends the temporary name, for writers that look at it.
    Yields: the temporary file, empty.
    Raises:
        WriteError: The file cannot be written.
    """
    path = Path(path)
    with _all_told(path):
        status = _status(path)
        if status is not None and stat.S_ISDIR(status.st_mode):
            raise _error(errno.EISDIR)
    if status is not None and (not stat.S_ISREG(status.st_mode) or _is_descriptor(path)):
        with TemporaryDirectory() as folder:
            part = Path(folder, f'stream{suffix}')
            part.touch()
            with _told_as(path, part):
                yield part
            with _all_told(path):
                _stream(part, path, status)
        return
    target = Path(os.path.realpath(path))
    part = _part(target, suffix)
    with _folder_of(path, target):
        try:
            with _all_told(path):
                os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
                mode = stat.S_IMODE((status or part.stat()).st_mode)
            with _told_as(path, part):
                yield part
            with _all_told(path):
                if status is not None:
                    with suppress(PermissionError):
                        os.chown(part, status.st_uid, status.st_gid)
                part.chmod(mode)
                _to_disk(part)
                os.replace(part, target)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    with suppress(OSError):  # not every file system does that for a folder
        _to_disk(target.parent)


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Write a folder under a temporary name, which takes its own name, and the place of an older folder, at the end.

    As ``atomic_write``; but the files in it are not forced to the disk, and where a folder is replaced, there is none
    for a moment.

    Yields: the temporary folder, empty.
    Raises:
        WriteError: The folder cannot be written.
    """
    path = Path(path)
    with _all_told(path):
        status = _status(path)
        if status is not None and not stat.S_ISDIR(status.st_mode):
            raise _error(errno.ENOTDIR)
    target = Path(os.path.realpath(path))
    part, old = _part(target, PART_SUFFIX), _part(target, PART_SUFFIX)
    with _folder_of(path, target):
        try:
            with _all_told(path):
                part.mkdir()
            with _told_as(path, part):
                yield part
            with _all_told(path):
                if status is not None:
                    part.chmod(stat.S_IMODE(status.st_mode))
                    target.rename(old)
                part.rename(target)
        except BaseException:
            if old.exists() and not target.exists():
                old.rename(target)
            raise
        finally:
            for folder in (part, old):
                shutil.rmtree(folder, ignore_errors=True)


def check_writable(path: str | Path, is_folder: bool = False) -> None:
    """Refuse a place that cannot be written, before anything is computed for it; nothing is made.

    Args:
        path: The file, or the folder for files; the folders above may be missing.
        is_folder: Which of both.
    Raises:
        WriteError: It is a folder where a file is meant or the reverse, part of its path is a file, or there is no
            permission to write there.
    """
    path = Path(path)
    with _all_told(path):
        status = _status(path)
        if status is not None and stat.S_ISDIR(status.st_mode) != is_folder:
            raise _error(errno.ENOTDIR if is_folder else errno.EISDIR)
        if status is not None and not is_folder and not stat.S_ISREG(status.st_mode):
            return
        target = Path(os.path.realpath(path))
        places = (target, *target.parents) if is_folder else target.parents
        folder = next(folder for folder in places if os.path.lexists(folder))
        if not folder.is_dir():
            raise _error(errno.ENOTDIR)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise _error(errno.EROFS if os.statvfs(folder).f_flag & os.ST_RDONLY else errno.EACCES)


@contextmanager
def _all_told(path: Path) -> Iterator[None]:
    """Tell of every error of the system as one of writing the path."""
    try:
        yield
    except OSError as error:
        raise write_error(path, error) from error


@contextmanager
def _told_as(path: Path, part: Path) -> Iterator[None]:
    """Tell of what the disk refuses of the temporary file by the name that the user gave."""
    try:
        yield
    except WriteError:
        raise
    except OSError as error:
        if lies_in(error.filename, part) or error.filename is None and error.errno in DISK_ERRORS:
            raise write_error(path, error) from error
        raise


@contextmanager
def _folder_of(path: Path, target: Path) -> Iterator[None]:
    """Make the folders above a file, and remove those again that are left empty."""
    missing = [folder for folder in target.parents if not os.path.lexists(folder)]
    try:
        with _all_told(path):
            if os.path.lexists(target.parent) and not target.parent.is_dir():
                raise _error(errno.ENOTDIR)
            target.parent.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for folder in missing:
            with suppress(OSError):
                folder.rmdir()
        raise


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def _status(path: Path) -> os.stat_result | None:
    """What a path leads to; None where nothing is there."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _part(target: Path, suffix: str) -> Path:
    """A temporary name that nothing else has, in the same folder; valid UTF-8, as some libraries ask for."""
    ending = f'.{secrets.token_hex(4)}{suffix}'
    name = os.fsencode(target.name)[:LONGEST_NAME - len(os.fsencode(ending))].decode(errors='ignore')
    return target.with_name(name + ending)


def _is_descriptor(path: Path) -> bool:
    """Whether a path is a name for an open file of a process, such as /dev/stdout: its offset is shared."""
    for _ in range(_MOST_LINKS):
        if os.path.realpath(path.parent).startswith('/proc/'):
            return True
        if not path.is_symlink():
            return False
        path = path.parent / os.readlink(path)
    return False


def _stream(part: Path, path: Path, status: os.stat_result) -> None:
    if stat.S_ISSOCK(status.st_mode):
        with socket.socket(socket.AF_UNIX) as connection, part.open('rb') as content:
            connection.connect(os.fspath(path))
            connection.sendfile(content)
        return
    append = os.O_APPEND if stat.S_ISREG(status.st_mode) else 0
    with part.open('rb') as content, open(os.open(path, os.O_WRONLY | os.O_NOCTTY | append), 'wb') as stream:
        shutil.copyfileobj(content, stream)


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file, and the folders above it; it takes its name when it is complete."""
    with atomic_write(path) as part:
        part.write_text(text, encoding='utf-8')


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a UTF-8 csv file with a header; it takes its name when it is complete."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator='\n')
    writer.writerow(header)
    writer.writerows(rows)
    write_text(path, text.getvalue())


def save_tensors(tensors: dict[str, Tensor], path: Path, metadata: dict[str, str]) -> None:
    """Write tensors and a header; the file is made anew, readable to its owner alone.

    Raises:
        OSError: The file cannot be written, which the library tells in an error of its own.
    """
    try:
        safetensors.torch.save_file(tensors, path, metadata=metadata)
    except SafetensorError as error:
        number = re.search(r'\(os error (\d+)\)', str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1])), str(path)) from error


@contextmanager
def writing_into(out: Path, logger: logging.Logger) -> Iterator[None]:
    """Say how an interrupted preparation goes on, and turn what the disk refuses into an error for the user.

    Args:
        out: folder of the prepared data.
        logger: of the module that prepares them.
    Raises:
        InputError: a file cannot be written.
    """
    try:
        yield
    except KeyboardInterrupt:
        logger.warning('%s: stopped; the same command goes on with what is missing', out)
        raise
    except OSError as error:
        raise InputError(f'{out}: cannot be written ({error.strerror or error}). Make room or choose another folder '
                         'with --out.') from error
