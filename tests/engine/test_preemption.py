"""SIGTERM: the step is finished, a checkpoint is written, and the training goes on from there as if uninterrupted."""
import json
from pathlib import Path

import pytest
from interrupted_components import assert_same_end, load, start
from tool_runs import free_port


def run(folder: Path, options: dict, processes: int) -> list[int | None]:
    """Train in one or two processes; their exit codes."""
    port = free_port()
    started = [start(folder, options, port=port if processes > 1 else None, rank=rank) for rank in range(processes)]
    for process in started:
        process.join(120)
    return [process.exitcode for process in started]


def output(folder: Path) -> str:
    return ''.join(path.read_text() for path in sorted(folder.glob('output*.txt')))


@pytest.fixture(scope='module', params=[1, 2])
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """Work folder of an uninterrupted training in one or two processes."""
    folder = tmp_path_factory.mktemp('whole') / 'work'
    assert run(folder, {}, request.param) == [0] * request.param, output(folder)
    return folder, request.param


# Iterations are counted from 0; there are 5 in an epoch of one process, 3 in one of two. Steps are taken after every
# second one, so a signal during an even one is answered one iteration later.
@pytest.mark.parametrize('at, workers', [(6, 1), (7, 0)])
def test_goes_on_in_the_middle_of_an_epoch(whole: tuple[Path, int], tmp_path: Path, at: int, workers: int) -> None:
    reference, processes = whole
    folder = tmp_path / 'work'
    hook = dict(type='SignalHook', at=at, rank=processes - 1)
    assert run(folder, dict(workers=workers, hooks=[hook]), processes) == [143] * processes, output(folder)
    per_epoch = 5 if processes == 1 else 3
    saved = folder / 'iter_8.pth'
    meta = load(saved)['meta']
    assert (meta['iter'], meta['epoch'], meta['trained_batches']) == (8, 8 // per_epoch, 8 % per_epoch)
    assert f'SIGTERM: the training ends here; --resume goes on from {saved}.' in output(folder)
    assert run(folder, dict(workers=1 - workers), processes) == [0] * processes, output(folder)
    assert_same_end(folder, reference)
    assert sorted(path.name for path in folder.glob('*.pth*')) == sorted(path.name for path in reference.glob('*.pth*'))


@pytest.mark.parametrize('whole', [1], indirect=True)
def test_refused_with_another_batch_size(whole: tuple[Path, int], tmp_path: Path) -> None:
    folder = tmp_path / 'work'
    assert run(folder, dict(hooks=[dict(type='SignalHook', at=7)]), 1) == [143]
    assert run(folder, dict(batch_size=3), 1) == [1]
    assert ('iter_8.pth: was saved after 3 of 5 batches of an epoch, which has 4 batches here. Resume with as many '
            'per process') in output(folder)


@pytest.mark.parametrize('whole', [2], indirect=True)
def test_no_process_writes_what_another_writes(whole: tuple[Path, int]) -> None:
    first, second = (set(json.loads((whole[0] / f'written{rank}.json').read_text())) for rank in range(2))
    assert {str(whole[0] / name) for name in ('epoch_4.pth', 'epoch_4.resume.pth', 'last_checkpoint')} <= first
    assert not first & second
    assert not any(path.endswith('.pth') for path in second)


def test_last_iteration_of_an_epoch(tmp_path: Path) -> None:
    folder = tmp_path / 'work'
    assert run(folder, dict(hooks=[dict(type='SignalHook', at=4)]), 1) == [143]
    assert (folder / 'last_checkpoint').read_text() == str(folder / 'epoch_1.pth')
    assert not list(folder.glob('iter_*'))


def test_before_the_first_checkpoint(tmp_path: Path) -> None:
    folder = tmp_path / 'work'
    options = dict(hooks=[dict(type='SignalHook', at=1)], loop='EpochBasedTrainLoop')
    assert run(folder, options, 1) == [143], output(folder)
    assert 'SIGTERM: the training ends here; nothing was saved yet.' in output(folder)
    assert 'Did not find last_checkpoint' not in output(folder)
