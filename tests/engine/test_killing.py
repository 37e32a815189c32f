"""A training that is killed again and again comes to the same end as one that is not."""
import random
import time
from pathlib import Path

import pytest
from clean_forks import PROCESSES
from interrupted_components import assert_same_end, load, start

KILLS = 10


@pytest.fixture(scope='module')
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, float]:
    """Work folder of an uninterrupted training, its number of file operations, and its seconds."""
    folder = tmp_path_factory.mktemp('whole') / 'work'
    start(folder / 'unused', dict(workers=0)).join(120)  # the first one waits for the imports
    events, begin = PROCESSES.Value('i', 0), time.perf_counter()
    process = start(folder, events=events)
    process.join(120)
    assert process.exitcode == 0, (folder / 'output0.txt').read_text()
    return folder, events.value, time.perf_counter() - begin


def complete_pairs(folder: Path) -> list[Path]:
    """Checkpoints that can be resumed; raises where one of the files cannot be read."""
    for path in folder.glob('*.pth'):
        load(path)
    return [path for path in folder.glob('epoch_*.pth') if 'resume' not in path.name
            and path.with_suffix('.resume.pth').is_file()]


@pytest.mark.parametrize('seed', [1])
def test_ten_kills(whole: tuple[Path, int, float], tmp_path: Path, seed: int) -> None:
    reference, events, seconds = whole
    rng, folder, ever, moments = random.Random(seed), tmp_path / 'work', False, []
    while len(moments) < KILLS or not ever and len(moments) < 5 * KILLS:  # a slow machine kills before the first pair
        if len(moments) % 2:  # while a file is written, renamed or deleted
            process = start(folder, die_at=rng.randint(1, events // 4))
            process.join(120)
        else:  # at any time
            process = start(folder)
            process.join(rng.uniform(.3, .7) * seconds)
            process.kill()
            process.join(120)
        if process.exitcode == 0:  # it was done before: once more
            assert_same_end(folder, reference)
            folder, ever = tmp_path / f'work{len(moments)}', False
            continue
        assert process.exitcode == -9, (folder / 'output0.txt').read_text()
        moments.append(sorted(path.name for path in folder.glob('*.pth*')))
        pairs = complete_pairs(folder) if folder.is_dir() else []
        assert pairs or not ever, moments  # there is always one to go on from, once there was one
        ever = ever or bool(pairs)
    assert ever
    process = start(folder)
    process.join(120)
    assert process.exitcode == 0, (folder / 'output0.txt').read_text()
    assert_same_end(folder, reference)
    assert sorted(path.name for path in folder.glob('*.pth*')) == sorted(path.name for path in reference.glob('*.pth*'))


@pytest.mark.parametrize('ratio', [.3, .5, .7, .8, .9, 1.])
def test_killed_at_a_file_operation(whole: tuple[Path, int, float], tmp_path: Path, ratio: float) -> None:
    reference, events, _ = whole
    folder = tmp_path / 'work'
    process = start(folder, die_at=round(ratio * events))
    process.join(120)
    assert process.exitcode == -9
    complete_pairs(folder)
    process = start(folder)
    process.join(120)
    assert process.exitcode == 0, (folder / 'output0.txt').read_text()
    assert_same_end(folder, reference)
