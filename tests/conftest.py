"""Fixtures that several test modules use."""
from pathlib import Path

import pytest


@pytest.fixture(scope='session')
def shared() -> Path:
    """Folder of licensed annotations, media and reference numbers beside the checkout; not shipped with the project."""
    folder = Path(__file__).parents[2] / 'shared'
    if not folder.is_dir():
        pytest.skip(f'{folder} is not there')
    return folder
