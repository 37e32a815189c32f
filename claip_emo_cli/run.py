"""How tools end: exit codes, and errors in one line."""
import io
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import NoReturn

FAILED = 1
INTERRUPTED = 130  # 128 + SIGINT, as a shell reports it
OUTPUT_CLOSED = 141  # 128 + SIGPIPE


def explain_error(error: Exception) -> str | None:
    """One clear message for bad input, and for full or write-protected disks; None for anything else."""
    from claip_emo_mm.errors import InputError
    from claip_emo_mm.utils.file_errors import DISK_ERRORS, write_error
    if isinstance(error, InputError):
        return str(error)
    if isinstance(error, OSError) and error.errno in DISK_ERRORS:
        return str(write_error(error.filename or 'a file', error))
    return None


def run(main: Callable[[], int | None], explain: Callable[[Exception], str | None] = explain_error) -> NoReturn:
    """Run the main function of a tool and turn errors that a user can cause into one clear message.

    What `explain` has a message for prints `error: <message>` to stderr and exits with 1; Ctrl-C exits with 130, a
    reader of the output that has gone (`| head`) with 141. Anything else is a bug and keeps its traceback.
    """
    if threading.current_thread() is threading.main_thread() and callable(signal.getsignal(signal.SIGINT)):
        signal.signal(signal.SIGINT, signal.default_int_handler)  # after `exit_on_interrupt` of the tools
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
        text = explain(error)
        if text is None:
            raise
        code, message = FAILED, f'error: {text}'
    sys.stdout.flush()
    sys.stderr.write(f'{message}\n')
    sys.exit(code)
