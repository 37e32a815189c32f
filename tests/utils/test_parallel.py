"""Jobs in this process and in several."""
import os
import signal
from functools import partial

import pytest

from claip_emo_mm.errors import InputError
from claip_emo_mm.utils import parallel
from claip_emo_mm.utils.parallel import run_parallel

# The work is `eval`, as workers cannot import this module: the square of a number, and the process that made it.
SQUARES = [f'({number} ** 2, __import__("os").getpid())' for number in range(2000)]


@pytest.mark.parametrize(('workers', 'worth'), [(1, 1), (2, 4), (2, 1)])
def test_every_job_is_done_once(workers: int, worth: int) -> None:
    results = list(run_parallel(eval, SQUARES[:7], workers, 'squares', worth))
    assert sorted(value for value, _ in results) == [0, 1, 4, 9, 16, 25, 36]
    here = workers == 1 or 7 // worth == 1
    assert all((process == os.getpid()) is here for _, process in results)


@pytest.mark.parametrize('workers', [1, 2])
def test_the_first_error_ends_it(workers: int) -> None:
    with pytest.raises(ValueError, match='thirteen'):
        list(run_parallel(eval, ['12', 'int("thirteen")', '14', '15'], workers, 'numbers'))


def test_ctrl_c_in_the_parent_ends_it(ctrl_c_interrupts: None) -> None:
    results: list[tuple[int, int]] = []
    with pytest.raises(KeyboardInterrupt):
        for result in run_parallel(eval, SQUARES, 2, 'squares'):
            results.append(result)
            signal.raise_signal(signal.SIGINT)
    assert len(results) == 1


def test_a_killed_worker_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, '_prepare_worker', partial(os._exit, 9))
    with pytest.raises(InputError, match='a worker was killed from outside.*--workers 1'):
        list(run_parallel(eval, SQUARES[:4], 2, 'squares'))


def test_no_worker_is_refused() -> None:
    with pytest.raises(InputError, match='--workers 0: must be 1 or more'):
        list(run_parallel(eval, SQUARES[:1], 0, 'squares'))
