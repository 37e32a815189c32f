"""What was found in the files of clips, kept between runs, so that an interrupted check goes on."""
import hashlib
import json
import logging
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO

from tqdm import tqdm

from claip_emo_mm.data_preparation.checks.clip_facts import ClipFacts, ClipJob, inspect_clip
from claip_emo_mm.data_preparation.worker_pool import work_off
from claip_emo_mm.errors import InputError

_FORM = 2  # of what is kept; clips that were looked at for another are looked at again
_WORTH_A_WORKER = 200  # clips: looking at them takes about as long as starting a process
_logger = logging.getLogger(__name__)


def inspect_clips(jobs: Sequence[ClipJob], path: Path, workers: int) -> dict[ClipJob, ClipFacts]:
    """Look at clips that were not looked at before, or have changed since, with a progress bar.

    Args:
        jobs: the clips.
        path: file that keeps what was found, a line a clip; an interrupted check leaves what it has.
        workers: processes at most.
    Raises:
        InputError: the file cannot be written.
    """
    known = _read(path)
    keys = {job: _key(job) for job in jobs}
    facts = {job: known[key] for job, key in keys.items() if key in known}
    missing = [job for job in keys if job not in facts]
    if facts:
        _logger.info('%s: %d of %d clips were looked at before', path, len(facts), len(keys))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open('a', encoding='utf-8') as file, tqdm(
                total=len(keys), initial=len(facts), unit='clip', desc='looking at clips', mininterval=.5,
                disable=not missing) as bar:
            work_off(_inspect, missing, workers, lambda result: _keep(result, facts, keys, file, bar), _WORTH_A_WORKER)
    except OSError as error:
        raise InputError(f'{path}: cannot be written ({error.strerror or error}). Choose another folder with '
                         '--out.') from error
    return facts


def _inspect(job: ClipJob) -> tuple[ClipJob, ClipFacts]:
    return job, inspect_clip(job)


def _keep(result: tuple[ClipJob, ClipFacts], facts: dict[ClipJob, ClipFacts], keys: dict[ClipJob, str],
          file: IO[str], bar: tqdm) -> None:
    job, found = result
    facts[job] = found
    file.write(json.dumps([keys[job], asdict(found)], allow_nan=False) + '\n')
    file.flush()
    bar.update()


def _read(path: Path) -> dict[str, ClipFacts]:
    known = {}
    if path.is_file():
        for line in path.read_text(encoding='utf-8').splitlines():
            try:
                key, found = json.loads(line)
                known[key] = ClipFacts(**found)
            except (ValueError, TypeError):  # a line that was cut off, or of another version: looked at again
                continue
    return known


def _key(job: ClipJob) -> str:
    """What was to be looked at, and the names, sizes and dates of its files."""
    digest = hashlib.sha1(f'{_FORM} {job!r}'.encode())
    for path in filter(None, (job.pictures, job.sound)):
        digest.update(repr(_files(path)).encode())
    return digest.hexdigest()


def _files(path: str) -> list[tuple[str, int, int]]:
    """Path, size and date of a file, or of those in a folder."""
    paths = [path]
    if os.path.isdir(path):
        with suppress(OSError):  # inspect_clip says what cannot be read
            paths = [os.path.join(path, name) for name in sorted(os.listdir(path))]
    return [(file, *_size_and_date(file)) for file in paths]


def _size_and_date(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except OSError:  # a link to nowhere
        return 0, 0
    return status.st_size, status.st_mtime_ns
