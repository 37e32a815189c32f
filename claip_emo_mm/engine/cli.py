"""Command-line conventions of all tools with models: error messages, the console."""
from collections.abc import Callable
from typing import NoReturn

import claip_emo_cli.run
from claip_emo_mm.compat.console import quiet_console
from claip_emo_mm.engine.config_errors import explain_config_error
from claip_emo_mm.engine.shared_memory import explain_worker_error
from claip_emo_mm.errors import InputError


def run(main: Callable[[], int | None]) -> NoReturn:
    """Run the main function of a tool as `claip_emo_cli.run.run`; the console shows less than the log file.

    Config errors of MMAction2 and failing data loader workers are explained in one message, too.
    """
    quiet_console()
    claip_emo_cli.run.run(main, _explain)


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
    message = explain_worker_error(error) or claip_emo_cli.run.explain_error(error)
    return message or (None if isinstance(error, OSError) else explain_config_error(error))
