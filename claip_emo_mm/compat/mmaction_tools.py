"""Runs MMAction2's own command-line tools."""
import json
import os
import runpy
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import takewhile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO
from unittest.mock import patch

import mmaction
from mmengine.fileio.handlers import PickleHandler

from claip_emo_mm.compat.safe_pickle import RefusedGlobal, load_pickle, one_line
from claip_emo_mm.errors import InputError


def find_tool(name: str) -> Path:
    """Find a tool of MMAction2 by its name, such as ``get_flops``."""
    package = Path(mmaction.__file__).parent
    tools = {path.stem: path for folder in (package / '.mim', package.parent)  # of a wheel, of a checkout
             for path in (folder / 'tools').glob('*/*.py')}
    if name not in tools:
        raise InputError(f'{name}: MMAction2 has no such tool. Expected one of: {", ".join(sorted(tools)) or "none"} '
                         f'({package / ".mim" / "tools"}).')
    return tools[name]


def run_tool(name: str, arguments: Sequence[str]) -> None:
    """Run a tool of MMAction2 in this process, reading pickles such as test dumps safely.

    On its own, confusion_matrix imports MMAction2 before the config that patches it, and fails; and analyze_logs
    expects another log format than MMEngine's.
    """
    path = str(find_tool(name))
    with (readable_logs(arguments) if name == 'analyze_logs' else nullcontext(arguments) as readable,
          _safe_pickles(arguments)):
        sys.argv = [path, *readable]
        try:
            runpy.run_path(path, run_name='__main__')
        except ImportError as error:
            raise InputError(f"MMAction2's {name}: {str(error).rstrip('.')}. What its tools need beside MMAction2: pip "
                             "install seaborn 'moviepy>=1.0.3,<2'") from error


@contextmanager
def _safe_pickles(arguments: Sequence[str]) -> Iterator[None]:
    names = ', '.join(argument for argument in arguments if argument.endswith(('.pkl', '.pickle'))) or 'the pickle'

    def load(handler: PickleHandler, file: BinaryIO, **options: object) -> Any:
        del handler, options
        try:
            return load_pickle(file.read())
        except RefusedGlobal as error:
            raise InputError(f'{names}: holds {error}, expected tensors, arrays, numbers and texts. Loading such a '
                             'thing can run code, so nothing of the file was loaded.') from None
        except Exception as error:  # a damaged pickle can raise nearly anything
            raise InputError(f'{names}: cannot be read as a pickle ({one_line(error)}). Write it again.') from None

    with patch.object(PickleHandler, 'load_from_fileobj', load):
        yield


def epoch_lines(log: Path) -> list[str]:
    """Convert the training lines of a log (scalars.json) to what plot_curve expects.

    MMEngine's lines have no ``mode`` (shows as `IndexError: list index out of range`), and their iterations continue
    over the epochs, whose lengths the tool adds itself. Can go when the tool reads MMEngine's logs.
    """
    try:
        rows = [json.loads(line) for line in log.read_text(encoding='utf-8').splitlines()]
        rows = [row for row in rows if 'epoch' in row]  # the others are of validations
        lengths = {row['epoch']: row['iter'] / row['epoch'] for row in rows}  # by the last line of each
        return [json.dumps({**row, 'mode': 'train', 'iter': row['iter'] - (row['epoch'] - 1) * lengths[row['epoch']]})
                for row in rows]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(f'{log}: cannot be read as the log of a training ({error}). Expected '
                         'WORK_DIR/*/vis_data/scalars.json.') from error


@contextmanager
def readable_logs(arguments: Sequence[str]) -> Iterator[list[str]]:
    """Yield the command line of analyze_logs with converted copies of the logs, labeled by the logs' own names."""
    logs = [argument for argument in arguments if argument.endswith('.json')]
    with TemporaryDirectory() as folder:
        copies = {log: os.path.join(folder, f'{number}.json') for number, log in enumerate(logs)}
        for log, copy in copies.items():
            Path(copy).write_text('\n'.join(epoch_lines(Path(log))), encoding='utf-8')
        changed = [copies.get(argument, argument) for argument in arguments]
        if 'plot_curve' in changed and '--legend' not in changed:
            after_keys = arguments[arguments.index('--keys') + 1:] if '--keys' in arguments else []
            keys = list(takewhile(lambda value: not value.startswith('-'), after_keys)) or ['top1_acc']  # its default
            changed += ['--legend', *(f'{log} {key}' for log in logs for key in keys)]
        yield changed
