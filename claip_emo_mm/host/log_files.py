"""Log files that say what a disk refuses."""
import logging
import sys
from collections.abc import Callable
from functools import partial, wraps

from mmengine.logging import MMLogger

from claip_emo_mm.utils.write_errors import DISK_ERRORS, write_error


def repair_log_files() -> None:
    """Let a full disk under a log file be an error that names the file.

    Python's logging prints a traceback for every line that cannot be written, and goes on. Shows with mmengine 0.10.7
    as two tracebacks and 80 lines in front of the one that tells what is wrong. Can go when `MMLogger` raises.
    """
    MMLogger.__init__ = _telling(MMLogger.__init__)


def _telling(initialise: Callable[..., None]) -> Callable[..., None]:
    @wraps(initialise)
    def tell(self: MMLogger, *args: object, **kwargs: object) -> None:
        initialise(self, *args, **kwargs)
        for handler in self.handlers:
            if isinstance(handler, logging.FileHandler):
                handler.handleError = partial(_handle, handler)

    return tell


def _handle(handler: logging.FileHandler, record: logging.LogRecord) -> None:
    error = sys.exc_info()[1]
    if isinstance(error, OSError) and error.errno in DISK_ERRORS:
        raise write_error(handler.baseFilename, error) from error
    logging.FileHandler.handleError(handler, record)
