"""Arguments that the command lines for training and testing share, with the host's names and meaning."""
import os
from argparse import ArgumentError, ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.config import DictAction


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
