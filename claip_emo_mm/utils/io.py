"""Atomic writing of files and folders."""
import csv
import errno
import hashlib
import io
import json
import logging
import math
import os
import re
import secrets
import shutil
import socket
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from claip_emo_mm.errors import InputError
from claip_emo_mm.utils.file_errors import DISK_ERRORS, WriteError, lies_in, write_error

if TYPE_CHECKING:
    from torch import Tensor

PART_SUFFIX = '.part'  # ends the name of a file or folder while it is written
_LONGEST_NAME = 255  # bytes of a file's name, on nearly every file system
_MOST_LINKS = 40
_HASH_DIGITS = 12
_BLOCK_BYTES = 2 ** 20


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Write a file under a temporary name, flush it, and rename it when the ``with`` block ends.

    Whatever ends the block early, the old file is unchanged and nothing is left behind. Missing folders are made. The
    target of a link is replaced, not the link. A replaced file keeps its owner and permissions. Devices, pipes and
    sockets are written to. Raises a `WriteError` where the file cannot be written.
    """
    path = Path(path)
    status = _status(path, is_folder=False)
    if status is not None and (not stat.S_ISREG(status.st_mode) or _is_descriptor(path)):
        with TemporaryDirectory() as folder:
            temporary = Path(folder, f'stream{PART_SUFFIX}')
            temporary.touch()
            with _write_errors(path, temporary):
                yield temporary
            with _write_errors(path):
                _stream(temporary, path, status)
        return
    target = Path(os.path.realpath(path))
    temporary = _temporary_path(target)
    with _parents(path, target):
        try:
            with _write_errors(path):
                os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
                mode = stat.S_IMODE((status or temporary.stat()).st_mode)
            with _write_errors(path, temporary):
                yield temporary
            with _write_errors(path):
                if status is not None:
                    with suppress(PermissionError):
                        os.chown(temporary, status.st_uid, status.st_gid)
                temporary.chmod(mode)
                _flush(temporary)
                os.replace(temporary, target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    with suppress(OSError):  # not every file system does that for a folder
        _flush(target.parent)


def move_files(files: Iterable[Path], folder: Path) -> None:
    """Move whole files into a folder of the same file system, where they replace those of their names."""
    for file in files:
        os.replace(file, folder / file.name)


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Write a folder as `atomic_write`; its files are not flushed, and an older folder is missing for a moment."""
    path = Path(path)
    status = _status(path, is_folder=True)
    target = Path(os.path.realpath(path))
    temporary, old = _temporary_path(target), _temporary_path(target)
    with _parents(path, target):
        try:
            with _write_errors(path):
                temporary.mkdir()
            with _write_errors(path, temporary):
                yield temporary
            with _write_errors(path):
                if status is not None:
                    temporary.chmod(stat.S_IMODE(status.st_mode))
                    target.rename(old)
                temporary.rename(target)
        except BaseException:
            if old.exists() and not target.exists():
                old.rename(target)
            raise
        finally:
            for folder in (temporary, old):
                shutil.rmtree(folder, ignore_errors=True)


def check_writable(path: str | Path, is_folder: bool = False) -> None:
    """Raise a `WriteError` where a file, or a folder for files, could not be written; nothing is made."""
    path = Path(path)
    status = _status(path, is_folder)
    if status is not None and not is_folder and not stat.S_ISREG(status.st_mode):
        return
    with _write_errors(path):
        target = Path(os.path.realpath(path))
        places = (target, *target.parents) if is_folder else target.parents
        folder = next(folder for folder in places if os.path.lexists(folder))
        if not folder.is_dir():
            raise _os_error(errno.ENOTDIR)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise _os_error(errno.EROFS if os.statvfs(folder).f_flag & os.ST_RDONLY else errno.EACCES)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file atomically."""
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding='utf-8')


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a UTF-8 csv file with a header atomically."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator='\n')
    writer.writerow(header)
    writer.writerows(rows)
    write_text(path, text.getvalue())


def write_json(path: Path, content: Mapping[str, object]) -> None:
    """Write a json file atomically; arrays and tensors become lists, numbers that are not finite null."""
    write_text(path, json.dumps(_strict(content), indent=2, allow_nan=False) + '\n')


def _strict(value: Any) -> Any:
    """Convert arrays and tensors to lists and numbers; what json cannot hold becomes None, or text."""
    if hasattr(value, 'tolist'):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): _strict(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(each) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def save_tensors(tensors: 'dict[str, Tensor]', path: Path, metadata: dict[str, str]) -> None:
    """Write a safetensors file; what the disk refuses is an OSError, not the library's own error."""
    import safetensors.torch
    try:
        safetensors.torch.save_file(tensors, path, metadata=metadata)
    except safetensors.SafetensorError as error:
        number = re.search(r'\(os error (\d+)\)', str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1])), str(path)) from error


@contextmanager
def writing_into(out: Path, logger: logging.Logger) -> Iterator[None]:
    """Log how an interrupted preparation of the folder `out` is resumed; raise an `InputError` for disk errors."""
    try:
        yield
    except KeyboardInterrupt:
        logger.warning('%s: stopped; the same command goes on with what is missing', out)
        raise
    except OSError as error:
        raise InputError(f'{out}: cannot be written ({error.strerror or error}). Make room or choose another folder '
                         'with --out.') from error


def file_stem(name: str, room: int) -> str:
    """Shorten a name for a file with `room` bytes behind it; a hash of all of it keeps shortened ones distinct."""
    data = os.fsencode(name)
    if len(data) <= _LONGEST_NAME - room:
        return name
    beginning = data[:_LONGEST_NAME - room - _HASH_DIGITS - 1].decode('utf-8', 'ignore')
    return f'{beginning}-{hashlib.sha256(data).hexdigest()[:_HASH_DIGITS]}'


@contextmanager
def _write_errors(path: Path, only: Path | None = None) -> Iterator[None]:
    """Report errors of the system as errors of writing `path`; with `only`, those of this temporary file alone."""
    try:
        yield
    except WriteError:
        raise
    except OSError as error:
        if only is None or lies_in(error.filename, only) or error.filename is None and error.errno in DISK_ERRORS:
            raise write_error(path, error) from error
        raise


@contextmanager
def _parents(path: Path, target: Path) -> Iterator[None]:
    """Make the folders above a file, and remove those again that stay empty."""
    missing = [folder for folder in target.parents if not os.path.lexists(folder)]
    try:
        with _write_errors(path):
            if os.path.lexists(target.parent) and not target.parent.is_dir():
                raise _os_error(errno.ENOTDIR)
            target.parent.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for folder in missing:
            with suppress(OSError):
                folder.rmdir()
        raise


def _status(path: Path, is_folder: bool) -> os.stat_result | None:
    """Status of what is at a path, None where nothing is; a folder in place of a file, or the reverse, is refused."""
    with _write_errors(path):
        try:
            status = path.stat()
        except FileNotFoundError:
            return None
        if stat.S_ISDIR(status.st_mode) != is_folder:
            raise _os_error(errno.ENOTDIR if is_folder else errno.EISDIR)
    return status


def _os_error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def _temporary_path(target: Path) -> Path:
    """A temporary name that nothing else has, in the same folder; valid UTF-8, as some libraries ask for."""
    ending = f'.{secrets.token_hex(4)}{PART_SUFFIX}'
    name = os.fsencode(target.name)[:_LONGEST_NAME - len(os.fsencode(ending))].decode(errors='ignore')
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


def _stream(temporary: Path, path: Path, status: os.stat_result) -> None:
    if stat.S_ISSOCK(status.st_mode):
        with socket.socket(socket.AF_UNIX) as connection, temporary.open('rb') as content:
            connection.connect(os.fspath(path))
            connection.sendfile(content)
        return
    append = os.O_APPEND if stat.S_ISREG(status.st_mode) else 0
    with temporary.open('rb') as content, open(os.open(path, os.O_WRONLY | os.O_NOCTTY | append), 'wb') as stream:
        shutil.copyfileobj(content, stream)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def hash_file(path: str | Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def read_json(path: Path) -> dict[str, Any]:
    """Read a json object; empty if the file is missing, corrupted or no object."""
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def read_settings(path: Path, what: str) -> dict[str, Any] | None:
    """Read the settings file of a prepared folder: None if the folder is new or empty, {} if the file is corrupted."""
    if path.is_file():
        return read_json(path)
    if path.parent.exists() and (not path.parent.is_dir() or any(path.parent.iterdir())):
        raise InputError(f'{path.parent}: holds something that is no {what} ({path.name} is missing). Choose another '
                         'folder with --out.')
    return None
