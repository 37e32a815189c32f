"""What MMEngine shows on the console: the log file keeps everything."""
import logging
import sys
from collections.abc import Callable
from functools import cache

from mmengine.fileio import file_client
from mmengine.logging import MMLogger
from mmengine.runner import checkpoint

from claip_emo_mm.compat import replace_method

# Beginnings of messages that are for the log file: long lists, notes on MMEngine's own settings, repetitions.
_FOR_THE_FILE = (
    f'\n{"-" * 60}\nSystem environment:',
    'Config:\n',
    'Hooks will be executed in the following order:',
    'Distributed training is not used, all SyncBatchNorm',
    'Loads checkpoint by ',
    'Exp name: ',
    '`save_param_scheduler` is True but `self.param_schedulers` is None',
)


def patch_file_client() -> None:
    """Silence the deprecation of `FileClient`, which MMEngine 0.10.7 and MMAction2 1.2.0 themselves use.

    Shows as two warnings in every training and inference. Can go when neither uses it.
    """
    file_client.print_log = lambda *args, **kwargs: None


@cache
def quiet_console() -> None:
    """Keep what nobody reads off the console of this process; ``log_level = 'DEBUG'`` shows everything.

    MMEngine 0.10.7 prints environment, config and the order of all hooks before a run. Shows as 460 lines before the
    first epoch, with the lines that a user needs among them. Called by the command-line tools, not on import. Can go
    when MMEngine has levels for the console and the file of their own.
    """
    @replace_method(MMLogger, '__init__')
    def init(original: Callable[..., None], self: MMLogger, *args: object, **kwargs: object) -> None:
        original(self, *args, **kwargs)
        for handler in self.handlers:
            if not isinstance(handler, logging.FileHandler) and handler.level > logging.DEBUG:
                handler.addFilter(_is_for_the_console)

    @replace_method(checkpoint, 'print_log')
    def print_log(original: Callable[..., None], message: str, logger: object = None,
                  level: int = logging.INFO) -> None:
        original(message, logger or 'current', level)  # in place of a bare print


def _is_for_the_console(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.ERROR or not str(record.msg).startswith(_FOR_THE_FILE)


def log_to_stderr(name: str) -> None:
    """Make the logger of a tool whose standard output is for results: warnings alone, on the standard error."""
    for handler in MMLogger.get_instance(name, log_level='WARNING').handlers:
        if isinstance(handler, logging.StreamHandler) and not isinstance(handler, logging.FileHandler):
            handler.stream = sys.stderr  # setStream flushes the old one, which may be closed
