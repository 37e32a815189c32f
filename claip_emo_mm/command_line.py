"""How every command line of the project starts and ends."""
import io
import sys
from collections.abc import Callable
from typing import NoReturn

from claip_emo_mm.engine.config_errors import explain_config_error
from claip_emo_mm.engine.shared_memory import explain_worker_error
from claip_emo_mm.errors import InputError
from claip_emo_mm.utils.write_errors import DISK_ERRORS, write_error

FAILED = 1
INTERRUPTED = 130  # 128 + SIGINT, as a shell reports it


def run(main: Callable[[], int | None]) -> NoReturn:
    """Run a tool's `main` and turn what a user can cause into one clear message.

    An `InputError`, the errors of the host that come from a user's config, a full or write-protected disk, and what the
    machine denies the workers of a data loader end with `error: <message>` on stderr and exit code 1. Ctrl-C ends with
    code 130. Everything else is a defect of the program and keeps its traceback. Wrong arguments are argparse's: exit
    code 2.

    Args:
        main: parses the arguments, does the work, and returns an exit code (None means 0).
    """
    if isinstance(sys.stdout, io.TextIOWrapper):  # a file's name may be in any encoding, or in none
        sys.stdout.reconfigure(errors='backslashreplace')
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        _say('interrupted')
        sys.exit(INTERRUPTED)
    except InputError as error:
        _say(f'error: {original_message(error)}')
        sys.exit(FAILED)
    except OSError as error:
        message = explain_worker_error(error)
        if message is None and error.errno not in DISK_ERRORS:
            raise
        _say(f'error: {message or write_error(error.filename or "a file", error)}')
        sys.exit(FAILED)
    except Exception as error:
        message = explain_worker_error(error) or explain_config_error(error)
        if message is None:
            raise
        _say(f'error: {message}')
        sys.exit(FAILED)


def original_message(error: InputError) -> str:
    """The message of an error, also where it was raised in a worker process of a data loader.

    PyTorch raises a worker's error again with the worker's whole traceback as its text; the message is what follows the
    last line that names the error's class.
    """
    text = str(error)
    if not text.startswith('Caught '):
        return text
    cls = type(error)
    _, found, message = text.rpartition(f'\n{cls.__module__}.{cls.__qualname__}: ')
    return message.rstrip() if found else text


def _say(line: str) -> None:
    sys.stdout.flush()
    sys.stderr.write(f'{line}\n')
