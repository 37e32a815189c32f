"""Running a command-line tool as a subprocess that does not outlive this process."""
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from claip_emo_mm.errors import InputError

_PROGRESS = re.compile(r'(?:Epoch|Iter)\((?:train|val|test)\)\s*(?:\[[^\]]*\]){1,2}')
_TAIL_CHARACTERS = 4000  # of the output that are searched
_POLL_S = .2


def run_tool(command: Sequence[str], output: Path, inherited: Sequence[int],
             on_progress: Callable[[str], None]) -> None:
    """Run a command and wait for it, or send it SIGTERM when interrupted; raises InputError where it fails."""
    with output.open('a', encoding='utf-8') as file:
        start = file.tell()
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                   start_new_session=True, pass_fds=inherited,  # a terminal's Ctrl-C is not for it
                                   env={**os.environ, 'PYTHONUNBUFFERED': '1'})
        try:
            while process.poll() is None:
                found = _PROGRESS.findall(_tail(output, start))
                on_progress(found[-1] if found else '')
                time.sleep(_POLL_S)
        finally:
            if process.poll() is None:
                _end(process)
    if process.returncode:
        raise InputError(f'{_reason(_tail(output, start), process.returncode)} (all of it: {output})')


def _end(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait()
    except BaseException:  # interrupted a second time: kill it
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise


def _tail(path: Path, start: int) -> str:
    with path.open('rb') as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(start, end - _TAIL_CHARACTERS))
        return file.read().decode('utf-8', 'replace')


def _reason(tail: str, code: int) -> str:
    """Last error message of a tool, else its last line."""
    lines = [line for line in tail.splitlines() if line.strip()]
    errors = [line.removeprefix('error: ') for line in lines if line.startswith('error: ')]
    if errors:
        return errors[-1]
    if code < 0:
        return f'it was killed by signal {-code}'
    return lines[-1] if lines else f'it ended with exit code {code}'
