"""Runs the command lines: as a user does, or quicker, in a clean fork, or quicker still, in this process."""
import os
import runpy
import socket
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from clean_forks import run_forks
from mmengine.logging import MMLogger

ROOT = Path(__file__).parents[2]


class TrainedToy(NamedTuple):
    """Files of a training: its config, checkpoint, log of scalars, dump of the test split, and the data."""
    config: Path
    checkpoint: Path
    scalars: Path
    dump: Path
    data: Path


def run_tool(name: str, *args: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run tools/<name> in a process of its own; dummy_components can be imported there."""
    path = os.pathsep.join([str(ROOT), str(ROOT / 'tests' / 'engine')])
    return subprocess.run([sys.executable, str(ROOT / 'tools' / name), *map(str, args)], cwd=cwd, text=True,
                          capture_output=True, timeout=300, env={**os.environ, 'PYTHONPATH': path})


def fork_tool(name: str, *args: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run tools/<name> in a process of its own that need not import everything again."""
    [done] = run_forks([ROOT / 'tools' / name, *args], cwd=cwd)
    return done


def call_tool(monkeypatch: pytest.MonkeyPatch, name: str, *args: str | Path) -> int:
    """Run tools/<name> in this process, its `__main__` block included, and return the exit code."""
    MMLogger._instance_dict.clear()  # as in a new process: those of earlier calls write to streams that pytest closed
    monkeypatch.setattr(sys, 'argv', [name, *map(str, args)])
    monkeypatch.delenv('LOCAL_RANK', raising=False)
    with pytest.raises(SystemExit) as exit_:
        runpy.run_path(str(ROOT / 'tools' / name), run_name='__main__')
    monkeypatch.delenv('LOCAL_RANK', raising=False)
    return exit_.value.code or 0


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        return listener.getsockname()[1]
