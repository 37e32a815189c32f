"""Fixtures that several test modules use."""
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope='session')
def shared() -> Path:
    """Folder of licensed annotations, media and reference numbers beside the checkout; not shipped with the project."""
    folder = Path(__file__).parents[2] / 'shared'
    if not folder.is_dir():
        pytest.skip(f'{folder} is not there')
    return folder


@pytest.fixture
def ctrl_c_interrupts() -> Iterator[None]:
    """Let SIGINT interrupt here and in what is started from here, as in a terminal; background jobs ignore it."""
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, handler)
