"""A command line as a process: its progress, its errors, and that it does not outlive a stop."""
import os
import signal
import time
from pathlib import Path

import pytest

from claip_emo_mm.engine.cross_validation.subprocess_runner import run_tool
from claip_emo_mm.errors import InputError


def run(script: str, output: Path, said: list[str] | None = None) -> None:
    run_tool(['sh', '-c', script], output, (), (said if said is not None else []).append)


def test_tells_how_far_it_is(tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / 'o').write_text('Epoch(train) [9][9/9]\n')  # of another run
    run('sleep .3; echo "x Epoch(train)  [3][10/20]  lr: 1"; sleep .6; echo "x Epoch(val) [3][1/2]"; sleep .6',
        tmp_path / 'o', said)
    assert list(dict.fromkeys(said)) == ['', 'Epoch(train)  [3][10/20]', 'Epoch(val) [3][1/2]']


@pytest.mark.parametrize(('script', 'expected'), [
    ('echo "error: a.csv: no clips"; exit 1', r'a\.csv: no clips \(all of it: .*o\)'),
    ('echo Traceback; echo "OSError: disk full"; exit 1', 'OSError: disk full'),
    ('exit 3', 'exit code 3'), ('kill -9 $$', 'killed by signal 9')])
def test_says_why_it_failed(tmp_path: Path, script: str, expected: str) -> None:
    (tmp_path / 'o').write_text('error: of the run before\n')
    with pytest.raises(InputError, match=expected):
        run(script, tmp_path / 'o')


def test_a_stop_asks_it_to_end_and_waits(tmp_path: Path) -> None:
    def stop(_: str) -> None:
        if (tmp_path / 'o').read_text():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_tool(['sh', '-c', 'trap "sleep .3; echo saved; exit 143" TERM; echo begun; while :; do sleep .1; done'],
                 tmp_path / 'o', (), stop)
    assert (tmp_path / 'o').read_text() == 'begun\nsaved\n'


def test_a_second_stop_ends_it_at_once(tmp_path: Path) -> None:
    def stop(_: str) -> None:
        if (tmp_path / 'o').read_text():
            signal.setitimer(signal.ITIMER_REAL, .3)
            raise KeyboardInterrupt

    def again(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, again)
    try:
        with pytest.raises(KeyboardInterrupt):
            run_tool(['sh', '-c', 'trap "" TERM; echo $$; while :; do sleep .1; done'], tmp_path / 'o', (), stop)
    finally:
        signal.signal(signal.SIGALRM, before)
    time.sleep(.1)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / 'o').read_text()), 0)
