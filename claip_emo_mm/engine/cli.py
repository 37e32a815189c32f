"""Command-line conventions of all tools: exit codes and error messages. Their arguments are in `claip_emo_cli`."""
import io
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import NoReturn

import torch

from claip_emo_mm.compat.console import quiet_console
from claip_emo_mm.engine.config_errors import explain_config_error
from claip_emo_mm.engine.shared_memory import explain_worker_error
from claip_emo_mm.errors import InputError
from claip_emo_mm.utils.file_errors import DISK_ERRORS, write_error

FAILED = 1
INTERRUPTED = 130  # 128 + SIGINT, as a shell reports it
OUTPUT_CLOSED = 141  # 128 + SIGPIPE


def default_device() -> str:
    """Where tools compute unless --device says it: a GPU where there is one."""
    return 'cuda' if torch.cuda.is_available() else 'cpu'


def run(main: Callable[[], int | None]) -> NoReturn:
    """Run the main function of a tool and turn errors that a user can cause into one clear message.

    `InputError`, config errors of MMAction2, full or write-protected disks and failing data loader workers print
    `error: <message>` to stderr and exit with 1; Ctrl-C exits with 130, a reader of the output that has gone (`| head`)
    with 141. Anything else is a bug and keeps its traceback. The console shows less than the log file.
    """
    if threading.current_thread() is threading.main_thread() and callable(signal.getsignal(signal.SIGINT)):
        signal.signal(signal.SIGINT, signal.default_int_handler)  # after `exit_on_interrupt` of the tools
    quiet_console()
    if isinstance(sys.stdout, io.TextIOWrapper):  # file names may be in any encoding
        sys.stdout.reconfigure(errors='backslashreplace')
    try:
        code = main()
        sys.stdout.flush()
        sys.exit(code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it flushes at the end
        sys.exit(OUTPUT_CLOSED)
    except KeyboardInterrupt:
        code, message = INTERRUPTED, 'interrupted'
    except Exception as error:
        text = _explain(error)
        if text is None:
            raise
        code, message = FAILED, f'error: {text}'
    sys.stdout.flush()
    sys.stderr.write(f'{message}\n')
    sys.exit(code)


def original_message(error: InputError) -> str:
    """Message of an error without the traceback that PyTorch puts in front of it in a data loader worker."""
    text = str(error)
    if not text.startswith('Caught '):
        return text
    cls = type(error)
    _, found, message = text.rpartition(f'\n{cls.__module__}.{cls.__qualname__}: ')
    return message.rstrip() if found else text


def _explain(error: Exception) -> str | None:
    if isinstance(error, InputError):
        return original_message(error)
    message = explain_worker_error(error)
    if message is None and isinstance(error, OSError):
        return str(write_error(error.filename or 'a file', error)) if error.errno in DISK_ERRORS else None
    return message or explain_config_error(error)
