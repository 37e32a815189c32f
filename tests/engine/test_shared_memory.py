"""A small /dev/shm is found before the training; workers that fail later end it in one line, and never hang."""
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement
from torch.utils.data import DataLoader, Dataset

import claip_emo_mm  # noqa: F401 - patches MMAction2
from claip_emo_mm.engine import shared_memory
from claip_emo_mm.engine.cli import run
from claip_emo_mm.engine.shared_memory import check_shared_memory
from claip_emo_mm.errors import InputError

FULL = 'unable to allocate shared memory(shm) for file </torch_1>: No space left on device (28)'


class Clips(Dataset):
    """Clips of 3 x 1,000 bytes, a view of 500 of them, and 7 floats; the first one is left out."""

    def __len__(self) -> int:
        return 40

    def __getitem__(self, index: int) -> dict[str, Any] | None:
        if index == 0:
            return None
        frames = torch.zeros(3, 1000, dtype=torch.uint8)
        return dict(inputs=[frames, frames[0, :500]], data_samples=BaseDataElement(label=torch.zeros(7)), name='a')


class Unwilling:
    """Cannot be handed over."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __reduce__(self) -> tuple:
        raise self.error


class FailingClips(Dataset):
    """The fifth one cannot be handed over, or its worker is killed by a signal."""

    def __init__(self, error: Exception | int) -> None:
        self.error = error

    def __len__(self) -> int:
        return 40

    def __getitem__(self, index: int) -> int | Unwilling:
        if index == 4 and isinstance(self.error, int):
            os.kill(os.getpid(), self.error)
        return Unwilling(self.error) if index == 4 else index


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets the free bytes of the shared memory."""
    return lambda size: monkeypatch.setattr(shared_memory.shutil, 'disk_usage',
                                            lambda folder: SimpleNamespace(free=size))


def as_list(batch: Sequence[Any]) -> list[Any]:
    return list(batch)


def test_sizes_of_batches_against_free_memory(free: Callable[[int], None], monkeypatch: pytest.MonkeyPatch,
                                              tmp_path: Path) -> None:
    loader = DataLoader(Clips(), batch_size=4, num_workers=2, prefetch_factor=3, collate_fn=as_list)
    needed = (3000 + 28) * 4 * (2 * 3 + 1)
    free(needed)
    before = torch.get_rng_state()
    check_shared_memory(loader, 'train_dataloader', tmp_path)
    assert torch.equal(torch.get_rng_state(), before)
    free(needed - 1)
    with pytest.raises(InputError, match=r'train_dataloader: 2 workers keep up to 7 batches of 4 clips ready in .*, '
                                         r'0\.0 MB each, 0\.1 MB in all; 0\.1 MB are free there\. .*--shm-size=8g'):
        check_shared_memory(loader, 'train_dataloader', tmp_path)
    free(2 * needed - 1)
    monkeypatch.setenv('LOCAL_WORLD_SIZE', '2')
    with pytest.raises(InputError, match='2 workers in each of 2 processes'):
        check_shared_memory(loader, 'train_dataloader', tmp_path)


def test_no_more_batches_than_there_are(free: Callable[[int], None], tmp_path: Path) -> None:
    loader = DataLoader(Clips(), batch_size=20, num_workers=2, collate_fn=as_list)
    free((3000 + 28) * 20 * 2)
    check_shared_memory(loader, 'train_dataloader', tmp_path)


def test_nothing_is_read_where_there_are_no_workers(free: Callable[[int], None], tmp_path: Path) -> None:
    free(0)
    check_shared_memory(DataLoader(Clips(), batch_size=4), 'train_dataloader', tmp_path)
    check_shared_memory(DataLoader(Clips(), batch_size=4, num_workers=1), 'train_dataloader', tmp_path / 'nowhere')


@pytest.mark.parametrize('called', ['train', 'test'])
def test_before_the_first_batch(make_runner: Callable[..., Runner], free: Callable[[int], None], called: str) -> None:
    free(31)  # of 16 for each clip
    workers = {f'{name}_dataloader__num_workers': 1 for name in (('val',) if called == 'train' else ('test',))}
    runner = make_runner(custom_hooks=[dict(type='SharedMemoryHook')], **workers)
    with pytest.raises(InputError, match=f'{"val" if called == "train" else "test"}_dataloader: 1 workers keep up to'):
        getattr(runner, called)()


@pytest.mark.parametrize('error, expected', [
    (RuntimeError(FULL), 'a worker of a data loader found /dev/shm full'),
    (RuntimeError('unable to open shared memory object </torch_1>: Too many open files (24)'), 'ulimit -n 65536'),
    (OSError(24, 'Too many open files'), 'ulimit -n 65536'),
    (int(signal.SIGBUS), 'a worker of a data loader found /dev/shm full'),
    (int(signal.SIGKILL), 'killed from outside, mostly because the memory ran out'),
    (int(signal.SIGSEGV), 'ended by a signal (Segmentation fault) while it read clips'),
])
def test_a_worker_that_fails_ends_it_in_one_line(capsys: pytest.CaptureFixture, error: Exception | int,
                                                 expected: str) -> None:
    seen = []

    def main() -> None:
        for batch in DataLoader(FailingClips(error), batch_size=2, num_workers=2, collate_fn=as_list, timeout=60):
            seen.append(batch)

    with pytest.raises(SystemExit) as exit_:
        run(main)
    message = capsys.readouterr().err
    assert exit_.value.code == 1 and len(seen) < 20
    assert message.startswith('error: ') and message.count('\n') == 1 and expected in message


def test_any_other_failure_keeps_its_own_words() -> None:
    loader = DataLoader(FailingClips(ZeroDivisionError('of a codec')), batch_size=2, num_workers=2, collate_fn=as_list,
                        timeout=60)
    with pytest.raises(ZeroDivisionError, match='of a codec'):
        list(loader)
