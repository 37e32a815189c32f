"""`tools/environment.sh` says why an interpreter will not do, and what is missing on the system."""
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def interpreter(folder: Path, change: str, name: str = 'python3.13') -> Path:
    """This Python, with something changed before it runs a script from standard input."""
    path = folder / name
    path.write_text(f'#!/bin/sh\nexec {sys.executable} -c "import sys; {change}; exec(sys.stdin.read())"\n')
    path.chmod(0o755)
    return path


def make(folder: Path, **variables: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, 'CLAIP_EMO_VENV': str(folder / 'venv'), **variables}
    return subprocess.run(['bash', '-c', 'set -euo pipefail; . tools/environment.sh'], cwd=ROOT, env=environment,
                          capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(('change', 'reason'), [
    ('sys.version_info = (3, 9, 18)', 'is 3.9.18; the lock files are for 3.10 to 3.14'),
    ('sys.version_info = (3, 15, 0)', 'is 3.15.0; the lock files are for 3.10 to 3.14'),
    ("sys.platform = 'darwin'", 'is for darwin, 64 bits; the lock files are for 64-bit Linux'),
    ("sys.version_info = (3, 13, 1); sys.modules['ensurepip'] = None",
     'cannot make environments: Debian and Ubuntu have that in the package python3.13-venv'),
    ('sys.exit(1)', 'does not start, or is far too old'),
])
def test_an_interpreter_that_will_not_do(change: str, reason: str, tmp_path: Path) -> None:
    path = interpreter(tmp_path, change)
    done = make(tmp_path, PYTHON=str(path))
    assert done.returncode == 1 and not (tmp_path / 'venv').exists()
    assert str(path) in done.stderr and reason in done.stderr
    assert 'Install one of 3.10 to 3.14, or name it: PYTHON=' in done.stderr


def test_an_interpreter_that_is_not_there(tmp_path: Path) -> None:
    done = make(tmp_path, PYTHON='python3.99')
    assert done.returncode == 1 and 'python3.99 not found.' in done.stderr


def test_the_newest_is_taken(tmp_path: Path) -> None:
    """3.14 is too old in truth, 3.13 is the first that will do: it makes the environment, and fails at that here."""
    interpreter(tmp_path, 'sys.version_info = (3, 8, 0)', 'python3.14')
    chosen = interpreter(tmp_path, 'sys.version_info = (3, 13, 0)', 'python3.13')
    stop = 'case $2 in venv) echo "made by $0" >&2; exit 7;; esac'
    chosen.write_text(chosen.read_text().replace('exec ', f'{stop}\nexec '))
    done = make(tmp_path, PATH=f'{tmp_path}:{os.environ["PATH"]}', PYTHON='')
    assert done.returncode == 1
    assert f'made by {chosen}' in done.stderr and 'python3.13 -m venv failed.' in done.stderr


def test_an_environment_of_another_python_is_named(tmp_path: Path) -> None:
    (tmp_path / 'venv' / 'bin').mkdir(parents=True)
    (tmp_path / 'venv' / 'pyvenv.cfg').touch()
    python = interpreter(tmp_path / 'venv' / 'bin', 'sys.version_info = (3, 9, 18)', 'python')
    python.write_text(python.read_text().replace('exec ', 'case $2 in pip) exit 0;; esac\nexec '))
    done = make(tmp_path)
    assert done.returncode == 1 and 'bin/python is 3.9.18' in done.stderr
    assert f'Delete {tmp_path}/venv, or set CLAIP_EMO_VENV.' in done.stderr


@pytest.mark.parametrize(('message', 'hint'), [
    ('ImportError: libGL.so.1: cannot open shared object file: No such file or directory',
     'libGL.so.1: cannot open shared object file'),
    ('ImportError: broken', 'OpenCV cannot be imported: ImportError: broken'),
])
def test_a_library_of_the_system_that_is_missing(message: str, hint: str, tmp_path: Path) -> None:
    (tmp_path / 'bin').mkdir()
    python = tmp_path / 'bin' / 'python'
    python.write_text(f'#!/bin/sh\necho "{message}" >&2\nexit 1\n')
    python.chmod(0o755)
    functions = (ROOT / 'tools' / 'environment.sh').read_text().partition('\nenvironment_lock=')[0]
    script = f'set -euo pipefail\n{functions}\nenvironment_venv={tmp_path}\nenvironment_check'
    done = subprocess.run(['bash', '-c', script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and hint in done.stderr
    assert ('apt-get install libgl1 libglib2.0-0 libxcb1' in done.stderr) == ('libGL' in message)
