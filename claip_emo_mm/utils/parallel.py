"""Parallel work on many clips in processes that Ctrl-C and a killed parent end cleanly."""
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from queue import SimpleQueue
from typing import TypeVar

import cv2
from tqdm import tqdm

from claip_emo_mm.errors import InputError

Job = TypeVar('Job')
Result = TypeVar('Result')


def run_parallel(work: Callable[[Job], Result], jobs: Sequence[Job], workers: int, what: str, worth_a_worker: int = 1,
                 before: int = 0, unit: str = 'clip') -> Iterator[Result]:
    """Do all jobs, in this process or in several, and yield each result as its job ends, with a progress bar.

    The first exception of a job is raised, and ends the others.

    Args:
        work: does a job.
        jobs: what to do.
        workers: processes at most.
        what: title of the progress bar.
        worth_a_worker: number of jobs that take about as long as starting a process.
        before: number of jobs that were done by an earlier run.
        unit: name of a job in the bar.
    """
    if workers < 1:
        raise InputError(f'--workers {workers}: must be 1 or more.')
    results = _results(work, jobs, min(workers, len(jobs) // worth_a_worker))
    with closing(results), tqdm(total=before + len(jobs), initial=before, unit=unit, desc=what, mininterval=.5,
                                disable=not jobs) as bar:
        try:
            for result in results:
                yield result
                bar.update()
        except BrokenProcessPool as error:
            raise InputError('a worker was killed from outside, perhaps for want of memory. The same command goes on '
                             'with what is missing; --workers 1 needs the least memory.') from error


def _results(work: Callable[[Job], Result], jobs: Sequence[Job], workers: int) -> Iterator[Result]:
    if workers <= 1:
        yield from map(work, jobs)
        return
    executor = ProcessPoolExecutor(workers, multiprocessing.get_context('spawn'), _prepare_worker)
    # A queue, as concurrent.futures.wait holds the locks of all futures for moments: after Ctrl-C at such a moment, the
    # executor would wait for them forever.
    ended: SimpleQueue[Future[Result]] = SimpleQueue()

    def report(future: Future) -> None:
        if not future.cancelled():
            ended.put(future)

    try:
        with _ignored_interrupts():  # inherited by the workers, which start here: the parent handles Ctrl-C
            for job in jobs:
                executor.submit(work, job).add_done_callback(report)
        for _ in jobs:
            yield ended.get().result()
    finally:
        executor.shutdown(cancel_futures=True)  # when interrupted, finishes only running jobs


@contextmanager
def _ignored_interrupts() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():  # others may not set signals
        yield
        return
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)


def _prepare_worker() -> None:
    """Use one thread, as the workers share the cores, and end when the parent is killed."""
    cv2.setNumThreads(1)
    os.environ['OMP_NUM_THREADS'] = '1'  # for libraries that are loaded later, such as the face detector's
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
