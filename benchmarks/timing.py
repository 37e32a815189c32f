"""Alternating rounds for comparisons of time, and peak memory in processes of their own."""
import ctypes
import gc
import re
import resource
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import torch
from mmengine.registry import init_default_scope

from benchmarks.plain_model import PlainModel
from benchmarks.sizes import ModelSizes, TrainingStep, set_checkpointing

_STATUS = Path('/proc/self/status')
_CLEAR = Path('/proc/self/clear_refs')


def alternating(names: Iterable[str], rounds: int) -> Iterator[tuple[int, str]]:
    """Yield the number of each round with each name, in alternating order, so that drift favors none of them."""
    for number in range(rounds):
        for name in sorted(names, reverse=number % 2 == 1):
            yield number, name


def prepare(num_threads: int, cv2_threads: int = 0) -> None:
    """Set MMAction2's scope, the numbers of threads and the seed."""
    init_default_scope('mmaction')
    torch.set_num_threads(num_threads)
    cv2.setNumThreads(cv2_threads)
    torch.manual_seed(0)


def in_new_process(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function in a process where nothing else has run."""
    with ProcessPoolExecutor(1, mp_context=get_context('spawn')) as pool:
        return pool.submit(function, *args).result()


def measure_peak(variant: str, sizes: ModelSizes, device: str, num_threads: int) -> int:
    """Measure the peak memory of a training step in a process of its own, in bytes.

    On a CPU it is the most memory that the process occupied during two steps, less what it occupied before the model
    was built: weights, gradients, optimizer, activations and all temporaries. Pages of files, such as the libraries'
    code, do not count: the kernel loads and drops them as it likes. On a GPU it is torch's ``max_memory_allocated``.

    Args:
        variant: ``'plain'``, ``'ours'`` or ``'checkpointed'``.
        sizes: sizes of model and batch.
        device: where to compute.
        num_threads: threads on a CPU.
    """
    return in_new_process(_measure, variant, sizes, device, num_threads)


def _measure(variant: str, sizes: ModelSizes, device: str, num_threads: int) -> int:
    init_default_scope('mmaction')
    torch.set_num_threads(num_threads)
    warm_up(variant)
    before = occupied()
    model = PlainModel(sizes) if variant == 'plain' else sizes.build_ours()
    if variant == 'checkpointed':
        set_checkpointing(model, True)
    model.to(device)
    step = TrainingStep(model, sizes.sample_batch(torch.device(device)))
    begin_peak(device)
    for _ in range(2):
        step()
    return peak_since(before, device)


def occupied() -> int:
    """Bytes that the process occupies now, without pages of files."""
    return _resident('VmRSS') - _resident('RssFile')


def begin_peak(device: str) -> None:
    """Reset the peak, so that building the model does not count."""
    if torch.device(device).type == 'cuda':
        torch.cuda.reset_peak_memory_stats(device)
    elif _CLEAR.exists():
        _CLEAR.write_text('5')  # resets VmHWM


def peak_since(before: int, device: str) -> int:
    """Peak in bytes, on a CPU less what was occupied before."""
    if torch.device(device).type == 'cuda':
        return torch.cuda.max_memory_allocated(device)
    return _resident('VmHWM') - _resident('RssFile') - before


def warm_up(variant: str) -> None:
    """Load the libraries' code, which does not count."""
    tiny = ModelSizes(dict(image_size=16, patch_size=8, width=64, layers=1, head_width=64, quick_gelu=True),
                      dict(embed_dims=8, depths=[1, 1], num_heads=[1, 1], spec_size=64, mel_bins=16, fusion=True,
                           num_classes=2), num_frames=2)
    TrainingStep(PlainModel(tiny) if variant == 'plain' else tiny.build_ours(),
                 tiny.sample_batch(torch.device('cpu')))()
    _return_freed_memory()


def _return_freed_memory() -> None:
    """Give back what glibc keeps of freed memory: the model would take it again without occupying any more."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), 'malloc_trim', None)
    if trim is not None:
        trim(0)


def _resident(name: str) -> int:
    """Bytes by the kernel's name; where the kernel does not tell, the most so far, which includes building."""
    if _STATUS.exists():
        return 1024 * int(re.search(rf'{name}:\s+(\d+) kB', _STATUS.read_text())[1])
    if name == 'RssFile':
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == 'darwin' else 1024)
