"""Logs of a training in the form that the host's analyze_logs reads."""
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from tempfile import TemporaryDirectory

from claip_emo_mm.errors import InputError


def epoch_lines(log: Path) -> list[str]:
    """Give the training lines of a log (scalars.json) what plot_curve looks for.

    MMEngine's lines have no ``mode``, where the tool ends in `IndexError: list index out of range`, and their
    iterations count on over the epochs, where it adds the epochs' lengths itself: to iterations within the epoch, the
    last one times the epochs before. This can go when the tool reads MMEngine's logs.

    Raises:
        InputError: the file cannot be read, or is no such log.
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
    """Put copies that analyze_logs can read in place of the logs; the curves bear the logs' own names.

    Args:
        arguments: the tool's command line.
    """
    logs = [argument for argument in arguments if argument.endswith('.json')]
    with TemporaryDirectory() as folder:
        copies = {log: os.path.join(folder, f'{number}.json') for number, log in enumerate(logs)}
        for log, copy in copies.items():
            Path(copy).write_text('\n'.join(epoch_lines(Path(log))), encoding='utf-8')
        changed = [copies.get(argument, argument) for argument in arguments]
        if 'plot_curve' in changed and '--legend' not in changed:
            keys = _values(arguments, '--keys') or ['top1_acc']  # the tool's default
            changed += ['--legend', *(f'{log} {key}' for log in logs for key in keys)]
        yield changed


def _values(arguments: Sequence[str], option: str) -> list[str]:
    """Values of an option that takes several; none where it is not given."""
    if option not in arguments:
        return []
    return list(takewhile(lambda value: not value.startswith('-'), arguments[arguments.index(option) + 1:]))
