"""The host's command lines, which lie in mmaction/.mim/tools, in a process where the host is repaired."""
import runpy
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO
from unittest.mock import patch

import mmaction
from mmengine.fileio.handlers import PickleHandler

from claip_emo_mm.errors import InputError
from claip_emo_mm.host.epoch_log import readable_logs
from claip_emo_mm.host.safe_pickle import RefusedGlobal, load_pickle


def find_tool(name: str) -> Path:
    """Find a tool of the host.

    Args:
        name: such as ``get_flops``.
    Raises:
        InputError: there is none of this name.
    """
    package = Path(mmaction.__file__).parent
    tools = {path.stem: path for folder in (package / '.mim', package.parent)  # of a wheel, of a checkout
             for path in (folder / 'tools').glob('*/*.py')}
    if name not in tools:
        raise InputError(f'{name}: MMAction2 has no such tool. Expected one of: {", ".join(sorted(tools)) or "none"} '
                         f'({package / ".mim" / "tools"}).')
    return tools[name]


def run_tool(name: str, arguments: Sequence[str]) -> None:
    """Run a tool of the host in this process.

    Pickles, such as the dumps of tests, are read without running anything that they hold.

    Its confusion_matrix registers the host's parts before it reads a config that imports ours, so that the host as PyPI
    has it fails there, unrepaired; analyze_logs reads a form of logs that MMEngine does not write.

    Args:
        name: such as ``get_flops``.
        arguments: its command line.
    Raises:
        InputError: there is no such tool, or it needs a package that is not there.
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
    """Let MMEngine read pickles without running what they hold."""
    names = ', '.join(argument for argument in arguments if argument.endswith(('.pkl', '.pickle'))) or 'the pickle'

    def load(handler: PickleHandler, file: BinaryIO, **options: object) -> Any:
        del handler, options
        try:
            return load_pickle(file.read())
        except RefusedGlobal as error:
            raise InputError(f'{names}: holds {error}, expected tensors, arrays, numbers and texts. Loading such a '
                             'thing can run code, so nothing of the file was loaded.') from None
        except Exception as error:  # a damaged pickle can raise nearly anything
            reason = ' '.join(str(error).split()) or type(error).__name__
            raise InputError(f'{names}: cannot be read as a pickle ({reason}). Write it again.') from None

    with patch.object(PickleHandler, 'load_from_fileobj', load):
        yield
