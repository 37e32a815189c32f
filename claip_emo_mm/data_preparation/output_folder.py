"""What stops the writing of a prepared data set, told to the user."""
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from claip_emo_mm.errors import InputError


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
