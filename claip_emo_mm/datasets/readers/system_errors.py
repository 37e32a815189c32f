"""Files that the system does not let us read."""
import os
from collections.abc import Iterator
from contextlib import contextmanager

from claip_emo_mm.errors import InputError


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
