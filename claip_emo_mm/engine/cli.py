"""Command-line conventions of all tools."""
import io
import os
import sys
from argparse import ArgumentError, ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from mmengine.config import DictAction

from claip_emo_mm.engine.config_errors import explain_config_error
from claip_emo_mm.engine.shared_memory import explain_worker_error
from claip_emo_mm.errors import InputError
from claip_emo_mm.utils.file_errors import DISK_ERRORS, write_error


class KeyValueAction(DictAction):
    """KEY=VALUE pairs; a pair that is none ends with argparse's usage and exit code 2, not with a traceback."""

    def __call__(self, parser: ArgumentParser, namespace: Namespace, values: str | Sequence[Any] | None,
                 option_string: str | None = None) -> None:
        try:
            super().__call__(parser, namespace, values, option_string)
        except (AssertionError, ValueError) as error:
            message = f'expected KEY=VALUE pairs such as train_cfg.max_epochs=1, got {values}'
            raise ArgumentError(self, message) from error


def output_folder(text: str) -> Path:
    """Folder for results, for a command line's ``type``; an empty name would be the current folder."""
    if not text:
        raise ArgumentTypeError("expected a folder, got ''")
    return Path(text)


def add_run_arguments(parser: ArgumentParser) -> None:
    """Add --work-dir, --cfg-options, --launcher and --local_rank."""
    parser.add_argument('--work-dir', metavar='DIR',
                        help="folder for logs and results (default: the config's, else ./work_dirs/<config name>)")
    parser.add_argument('--cfg-options', nargs='+', action=KeyValueAction, metavar='KEY=VALUE',
                        help='change keys of the config: a.b=1 c="[1,2]" (no blanks inside a value)')
    parser.add_argument('--launcher', choices=('none', 'pytorch', 'slurm', 'mpi'), default='none',
                        help='what started the processes of a distributed run (default: none)')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0,
                        help='number of this process on its machine, given by some launchers')


def parse_run_arguments(parser: ArgumentParser) -> Namespace:
    """Parse, and export LOCAL_RANK where the launcher passed it as an argument only."""
    args = parser.parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


FAILED = 1
INTERRUPTED = 130  # 128 + SIGINT, as a shell reports it


def run(main: Callable[[], int | None]) -> NoReturn:
    """Run a tool's `main` and turn what a user can cause into one clear message.

    An `InputError`, the errors of MMAction2 that come from a user's config, a full or write-protected disk, and what
    the machine denies the workers of a data loader end with `error: <message>` on stderr and exit code 1. Ctrl-C ends
    with code 130. Everything else is a defect of the program and keeps its traceback. Wrong arguments are argparse's:
    exit code 2.

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
