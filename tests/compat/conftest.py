"""A fresh Python for tests in which it matters what has been imported."""
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PythonRunner = Callable[..., subprocess.CompletedProcess]


@pytest.fixture(scope='session')
def fresh_python() -> PythonRunner:
    """Run `python *arguments` beside the package, without a GPU; extra environment variables by keyword."""

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess:
        root = str(Path(__file__).parents[2])
        path = os.pathsep.join(filter(None, [variables.pop('PYTHONPATH', ''), root, os.environ.get('PYTHONPATH')]))
        environment = {**os.environ, 'CUDA_VISIBLE_DEVICES': '', 'OMP_NUM_THREADS': '1', 'OMP_WAIT_POLICY': 'passive',
                       **variables, 'PYTHONPATH': path}
        return subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True,
                              timeout=300)

    return run
