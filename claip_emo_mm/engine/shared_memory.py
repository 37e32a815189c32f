"""Shared memory of data loader workers: a check of its size, and messages for workers that fail."""
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.structures import BaseDataElement
from torch import Tensor
from torch.utils.data import DataLoader

from claip_emo_mm.errors import InputError

_FOLDER = Path('/dev/shm')
_HINT = ('Give the container more (docker run --shm-size=8g, or --ipc=host), or take fewer workers, a smaller '
         'prefetch_factor or smaller batches: --cfg-options train_dataloader.num_workers=2')
_MEASURED = 4  # clips that are tried
_FULL = re.compile(r'unable to (?:allocate|mmap) shared memory|unable to write to file </torch|No space left on device')
_TOO_MANY = re.compile(r'Too many open files|received 0 items of ancdata')
_KILLED = re.compile(r'DataLoader worker \(pid \d+\) is killed by signal: (?P<signal>[^.]+)\.')
_ENDED = re.compile(r'DataLoader worker \(pid\(s\) [\d, ]+\) exited unexpectedly')


def check_shared_memory(loader: DataLoader, name: str, folder: Path = _FOLDER) -> None:
    """Refuse a data loader whose prefetched batches, measured by one clip, will fill the shared memory."""
    batch_size = loader.batch_size or getattr(loader.batch_sampler, 'batch_size', None)
    if not loader.num_workers or not batch_size or not folder.is_dir():
        return
    indices = [[index] for index in range(min(len(loader.dataset), _MEASURED))]
    sizes = DataLoader(loader.dataset, batch_sampler=indices, num_workers=1, prefetch_factor=1, collate_fn=_bytes_of,
                       multiprocessing_context=loader.multiprocessing_context, generator=torch.Generator())
    clip = next((size for size in sizes if size), 0)  # 0 where none of them can be read
    batches = min(loader.num_workers * loader.prefetch_factor + 1, len(loader))
    processes = int(os.environ.get('LOCAL_WORLD_SIZE') or os.environ.get('SLURM_NTASKS_PER_NODE') or 1)
    needed, free = clip * batch_size * batches * processes, shutil.disk_usage(folder).free
    if needed > free:
        several = f' in each of {processes} processes' if processes > 1 else ''
        raise InputError(f'{name}: {loader.num_workers} workers{several} keep up to {batches} batches of {batch_size} '
                         f'clips ready in {folder}, {_megabytes(clip * batch_size)} each, {_megabytes(needed)} in '
                         f'all; {_megabytes(free)} are free there. {_HINT}.')


def explain_worker_error(error: BaseException) -> str | None:
    """Explain why the workers of a data loader failed; None for any other error."""
    if not isinstance(error, RuntimeError | OSError):
        return None
    text = f'{error}\n{error.__cause__}'  # the signal of a killed worker is in the cause
    killed = _KILLED.search(text)
    signal = killed['signal'] if killed else None
    if signal == 'Killed':
        return ('a worker of a data loader was killed from outside, mostly because the memory ran out. Take fewer '
                'workers or smaller batches: --cfg-options train_dataloader.num_workers=2.')
    if signal != 'Bus error' and (signal or _ENDED.search(text)):
        how = f'ended by a signal ({signal})' if signal else 'ended by itself'
        return (f'a worker of a data loader {how} while it read clips. Find out with which one by num_workers=0 '
                '(--cfg-options train_dataloader.num_workers=0), or let tools/check_data.py look at them.')
    if not signal and 'DataLoader worker' in text and _TOO_MANY.search(text):
        return ('a worker of a data loader cannot open more files. Raise the limit (ulimit -n 65536), or take fewer '
                'workers or smaller batches.')
    if signal or 'DataLoader worker' in text and _FULL.search(text):  # a full /dev/shm is a bus error
        size = _megabytes(shutil.disk_usage(_FOLDER).total)
        return f'a worker of a data loader found {_FOLDER} full ({size} in all). {_HINT}.'
    return None


def _bytes_of(batch: list[Any]) -> int:
    """Bytes that a list of clips takes in shared memory; called in a worker."""
    storages = [tensor.untyped_storage() for tensor in _tensors(batch)]
    return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping | BaseDataElement | list | tuple):
        inner_values = value if isinstance(value, list | tuple) else value.values()
        yield from (tensor for inner in inner_values for tensor in _tensors(inner))


def _megabytes(number: int) -> str:
    return f'{number / 1e6:.1f} MB'
