"""What a device is, and what a step takes on it: time, memory, floating-point operations, attention kernels."""
import os
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

PRECISIONS = ('fp32', 'tf32', 'fp16', 'bf16')
_AUTOCAST = dict(fp16=torch.float16, bf16=torch.bfloat16)
# Dense peaks in TFLOPS: CUDA cores in fp32, tensor cores in tf32 and in fp16 or bf16 (without sparsity, which doubles
# the numbers on NVIDIA's pages). By the driver's names; a slice of a card (MIG) and unknown cards have none.
_HOPPER = dict(fp32=66.9, tf32=494.7, half=989.4)  # H100 architecture white paper, SXM5; H200's data sheet: the same
_AMPERE = dict(fp32=19.5, tf32=156., half=312.)  # A100 data sheet
_PEAKS = {
    'NVIDIA H200': _HOPPER,
    'NVIDIA H100 80GB HBM3': _HOPPER,
    'NVIDIA H100 PCIe': dict(fp32=51.2, tf32=378., half=756.),  # H100 architecture white paper
    'NVIDIA H100 NVL': dict(fp32=60., tf32=417.5, half=835.),  # H100 NVL data sheet
    'NVIDIA A100-SXM4-40GB': _AMPERE, 'NVIDIA A100-SXM4-80GB': _AMPERE,
    'NVIDIA A100-PCIE-40GB': _AMPERE, 'NVIDIA A100 80GB PCIe': _AMPERE,
    'NVIDIA L40S': dict(fp32=91.6, tf32=183., half=362.),  # L40S data sheet
}
# operators that scaled_dot_product_attention becomes -> the backend's name in torch.nn.attention.SDPBackend
_ATTENTION = {'aten::_scaled_dot_product_flash_attention': 'flash',
              'aten::_scaled_dot_product_efficient_attention': 'efficient',
              'aten::_scaled_dot_product_cudnn_attention': 'cudnn',
              'aten::_scaled_dot_product_flash_attention_for_cpu': 'flash (CPU)',
              'aten::_scaled_dot_product_attention_math': 'math'}


def default_device() -> str:
    """The first GPU, where there is one, else the CPU."""
    return 'cuda:0' if torch.cuda.is_available() else 'cpu'


def dense_peak(device_name: str, precision: str) -> float | None:
    """The card's peak of dense matrix products, TFLOPS, by the maker's numbers; None for a card that is not known."""
    peaks = _PEAKS.get(device_name, {})
    return peaks.get('half' if precision in _AUTOCAST else precision)


def device_name(device: str) -> str:
    """Name of the card as the driver gives it; 'CPU' for a CPU."""
    return torch.cuda.get_device_name(device) if is_cuda(device) else 'CPU'


def describe(device: str) -> str:
    """One line: the device, its memory, the versions, and its dense peaks."""
    if not is_cuda(device):
        return f'CPU, {torch.get_num_threads()} threads, torch {torch.__version__}'
    name, properties = device_name(device), torch.cuda.get_device_properties(device)
    peaks = ', '.join(f'{dense_peak(name, precision):g} {precision}' for precision in PRECISIONS
                      if dense_peak(name, precision))
    return (f'{name}, {properties.total_memory / 2 ** 20:,.0f} MiB, compute capability {properties.major}.'
            f'{properties.minor}, torch {torch.__version__}, CUDA {torch.version.cuda}, '
            f'cuDNN {torch.backends.cudnn.version()}; dense peak, TFLOPS: {peaks or "not known for this card"}')


def is_cuda(device: str | torch.device) -> bool:
    return torch.device(device).type == 'cuda'


def synchronize(device: str | torch.device) -> None:
    """Wait for a GPU; a CPU has nothing to wait for."""
    if is_cuda(device):
        torch.cuda.synchronize(device)


@contextmanager
def precision_of(precision: str, device: str) -> Iterator[None]:
    """Compute in a precision: 'fp32' without and 'tf32' with TF32, 'fp16' and 'bf16' by autocast, without TF32."""
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision('high' if precision == 'tf32' else 'highest')
    torch.backends.cudnn.allow_tf32 = precision == 'tf32'
    try:
        with torch.autocast(torch.device(device).type, _AUTOCAST.get(precision), enabled=precision in _AUTOCAST):
            yield
    finally:
        torch.set_float32_matmul_precision(before[0])
        torch.backends.cudnn.allow_tf32 = before[1]


def time_calls(call: Callable[[], Any], device: str, rounds: int, warm_up: int = 0) -> list[float]:
    """Seconds of each of `rounds` calls, after `warm_up` others; by CUDA events on a GPU, which does not wait."""
    for _ in range(warm_up):
        call()
    if not is_cuda(device):
        seconds = []
        for _ in range(rounds):
            began = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - began)
        return seconds
    with torch.cuda.device(device):
        events = [[torch.cuda.Event(enable_timing=True) for _ in range(2)] for _ in range(rounds)]
        torch.cuda.synchronize(device)
        for begin, end in events:
            begin.record()
            call()
            end.record()
        torch.cuda.synchronize(device)
    return [begin.elapsed_time(end) / 1000 for begin, end in events]


def copy_speeds(tensor: Tensor, device: str) -> dict[str, float] | None:
    """GB/s at which a tensor is copied to a GPU, from ordinary ('pageable') and from pinned memory; None on a CPU."""
    if not is_cuda(device):
        return None
    sources = dict(pageable=tensor, pinned=tensor.pin_memory())
    return {name: tensor.nbytes / 1e9 / statistics.median(time_calls(
        partial(source.to, device, non_blocking=True), device, rounds=10, warm_up=3)) for name, source in
        sources.items()}


def peak_memory(call: Callable[[], Any], device: str) -> int | None:
    """Most bytes that PyTorch has allocated on a GPU during a call, the model's weights included; None on a CPU."""
    if not is_cuda(device):
        call()
        return None
    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    call()
    torch.cuda.synchronize(device)
    return torch.cuda.max_memory_allocated(device)


def count_flops(call: Callable[[], Any]) -> int:
    """Floating-point operations of the matrix products, convolutions and attention of a call, two a multiplication."""
    with FlopCounterMode(display=False) as counter:
        call()
    return counter.get_total_flops()


def attention_kernels(call: Callable[[], Any], device: str) -> tuple[str, list[str]]:
    """Attention backends that a call takes ('flash x12, efficient x4'), and the names of their kernels on a GPU."""
    gpu = is_cuda(device)
    os.environ.setdefault('KINETO_LOG_LEVEL', '99')  # the profiler's own messages, between the rows of a table
    with profile(activities=[ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * gpu) as recorded:
        call()
        synchronize(device)
    events = recorded.key_averages()
    counts: Counter[str] = Counter()
    for event in events:
        if event.key in _ATTENTION:
            counts[_ATTENTION[event.key]] += event.count
    if set(counts) - {'math'}:
        del counts['math']
    kernels = {event.key.split('<')[0].split('(')[0].removeprefix('void ').strip() for event in events
               if gpu and event.device_type.name == 'CUDA'
               and any(word in event.key.lower() for word in ('flash', 'fmha', 'sdpa', 'attention'))}
    return ', '.join(f'{name} x{count}' for name, count in counts.most_common()) or 'none', sorted(kernels)
