"""Names of files as they are: in no known encoding, too long, too many."""
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

LONGEST_NAME = 255  # bytes of a file's name, on nearly every file system

_MARK = 12  # digits of a hash


def printable(path: str | Path) -> str:
    r"""Return a name that can be written as UTF-8: bytes that are no text stand as ``\xe9``."""
    return os.fspath(path).encode('utf-8', 'surrogateescape').decode('utf-8', 'backslashreplace')


def file_stem(name: str, room: int) -> str:
    """Return a name that a file can have, also when something is put behind it.

    Args:
        name: any text without slashes.
        room: bytes that are put behind it at most.
    Returns: the name; of a longer one its beginning and a hash of all of it, so that no two become the same.
    """
    data = os.fsencode(name)
    if len(data) <= LONGEST_NAME - room:
        return name
    beginning = data[:LONGEST_NAME - room - _MARK - 1].decode('utf-8', 'ignore')
    return f'{beginning}-{hashlib.sha256(data).hexdigest()[:_MARK]}'


def named(names: Iterable[str | Path], most: int = 3) -> str:
    """Return the first names, and how many more there are."""
    shown = [printable(name) for name in names]
    more = f' and {len(shown) - most} more' if len(shown) > most else ''
    return f'{", ".join(shown[:most])}{more}'
