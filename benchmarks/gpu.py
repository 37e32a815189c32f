"""Benchmark of a device: evaluation, training step and test of both models, in each precision, eager and compiled."""
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from time import monotonic, perf_counter
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.clips import sample_lengths
from benchmarks.devices import (
    attention_kernels,
    count_flops,
    dense_peak,
    device_name,
    peak_memory,
    precision_of,
    time_calls,
)
from benchmarks.plain_model import PlainModel
from benchmarks.scoring import OurTestStep, PlainTestStep, sample_clips
from benchmarks.sizes import ModelSizes, TrainingStep, evaluate
from benchmarks.timing import prepare
from claip_emo_mm.models.data_preprocessor import AudioVisualDataPreprocessor


@dataclass(frozen=True)
class Setting:
    """A row of the table. It is left out where less time is left than `expected_s`, for an encoder of 12 blocks."""
    model: str  # 'ours' or 'plain'
    step: str  # 'evaluation', 'training' or 'test'
    precision: str
    compiled: bool = False
    expected_s: float = 0.


# In order of importance: the time may not be enough for the last ones.
QUICK = (Setting('ours', 'evaluation', 'bf16'), Setting('plain', 'evaluation', 'bf16'),
         Setting('ours', 'training', 'bf16'), Setting('plain', 'training', 'bf16'),
         Setting('ours', 'training', 'fp16'), Setting('ours', 'evaluation', 'fp32'),
         Setting('ours', 'test', 'bf16'), Setting('plain', 'test', 'bf16'))
FULL = (*QUICK, Setting('ours', 'evaluation', 'fp16'), Setting('ours', 'evaluation', 'tf32'),
        Setting('plain', 'evaluation', 'fp32'), Setting('ours', 'training', 'tf32'),
        Setting('ours', 'training', 'fp32'), Setting('plain', 'training', 'fp32'), Setting('ours', 'test', 'fp32'))
# A compilation is not interrupted. The times are a guess, until one was measured with another encoder.
COMPILED = (Setting('ours', 'evaluation', 'bf16', True, 60.), Setting('ours', 'training', 'bf16', True, 90.))


@dataclass
class DeviceRow:
    """What was measured of a setting.

    Args:
        arch: Visual encoder.
        setting: What was measured.
        seconds: Of each round.
        images: Images of a round: ours in a test are the distinct ones, plain's all of them.
        clips: Clips of a round.
        flops: Floating-point operations of a round, as the eager model computes them.
        peak: Dense peak of the device in this precision, TFLOPS; None where it is not known.
        peak_bytes: Most memory that PyTorch allocated; None on a CPU.
        attention: Attention backends taken.
        kernels: Names of their kernels on a GPU.
        note: Why there are no numbers, or the time of the compilation.
    """
    arch: str
    setting: Setting
    seconds: Sequence[float] = ()
    images: int = 0
    clips: int = 0
    flops: int = 0
    peak: float | None = None
    peak_bytes: int | None = None
    attention: str = ''
    kernels: Sequence[str] = ()
    note: str = ''

    HEADER = (f'{"encoder":<10}{"step":<11}{"model":<7}{"precision":<10}{"run":<9}{"ms":>9}{"clips/s":>9}'
              f'{"images/s":>10}{"TFLOPS":>8}{"of peak":>9}{"memory":>11}  attention')

    def line(self) -> str:
        """The row of the table."""
        setting = self.setting
        start = (f'{self.arch:<10}{setting.step:<11}{setting.model:<7}{setting.precision:<10}'
                 f'{"compiled" if setting.compiled else "eager":<9}')
        if not self.seconds:
            return f'{start}{self.note}'
        median = statistics.median(self.seconds)
        tflops = self.flops / median / 1e12
        share = f'{100 * tflops / self.peak:.1f} %' if self.peak else '-'
        memory = f'{self.peak_bytes / 1e6:,.0f} MB' if self.peak_bytes else '-'
        note = f' ({self.note})' if self.note else ''
        return (f'{start}{1000 * median:>9.1f}{self.clips / median:>9.1f}{self.images / median:>10.0f}{tflops:>8.1f}'
                f'{share:>9}{memory:>11}  {self.attention}{note}')


class DeviceBenchmark:
    """Our and the plain model of one size on a device, to be measured setting by setting.

    Args:
        arch: Name for the table.
        sizes: Sizes of model and batch; a test has as many clips.
        device: Where to compute.
        rounds: Rounds that count.
        warm_up: Rounds before them.
    """

    def __init__(self, arch: str, sizes: ModelSizes, device: str, rounds: int, warm_up: int) -> None:
        self.arch, self.sizes, self.device, self.rounds, self.warm_up = arch, sizes, device, rounds, warm_up
        self.models: dict[str, nn.Module] = dict(ours=sizes.build_ours(), plain=PlainModel(sizes))
        self.models['plain'].copy_weights(self.models['ours'])
        self.batch = sizes.sample_batch(torch.device(device))
        self.clips = sample_clips(sizes, sample_lengths(sizes.num_clips))
        self._flops: dict[tuple[str, str], int] = {}

    def measure(self, setting: Setting) -> DeviceRow:
        """Measure a setting; one that the device cannot hold says so."""
        try:
            for name, model in self.models.items():  # the other one would take memory
                model.to(self.device if name == setting.model else 'cpu')
            with precision_of(setting.precision, self.device):
                return self._measure(setting)
        except torch.OutOfMemoryError:
            return DeviceRow(self.arch, setting, note='out of memory')
        finally:
            for model in self.models.values():
                model.zero_grad()
            if torch.cuda.is_available():
                torch.cuda.empty_cache()

    def _measure(self, setting: Setting) -> DeviceRow:
        call, images = self._step(setting)
        began = perf_counter()
        memory = peak_memory(call, self.device)  # also the first call, which compiles
        note = f'first call {perf_counter() - began:.0f} s' if setting.compiled else ''
        eager = setting.model, setting.step
        if eager not in self._flops:
            self._flops[eager] = count_flops(self._step(setting, compiled=False)[0])
        attention, kernels = attention_kernels(call, self.device)
        seconds = time_calls(call, self.device, self.rounds, self.warm_up)
        return DeviceRow(self.arch, setting, seconds, images, self.sizes.num_clips, self._flops[eager],
                         dense_peak(device_name(self.device), setting.precision), memory, attention, kernels, note)

    def _step(self, setting: Setting, compiled: bool | None = None) -> tuple[Callable[[], Any], int]:
        """The step to be called, and its images."""
        model = self.models[setting.model]
        run: Callable[[dict[str, Tensor]], Tensor] = model
        if setting.compiled if compiled is None else compiled:
            torch.compiler.reset()
            run = torch.compile(model)
        images = self.sizes.num_clips * self.sizes.num_frames
        if setting.step == 'training':
            return TrainingStep(run, self.batch, scaled=setting.precision == 'fp16'), images
        if setting.step == 'evaluation':
            return lambda: evaluate(run, self.batch), images
        if setting.model == 'ours':
            test: OurTestStep | PlainTestStep = OurTestStep(model, self.clips)
        else:
            test = PlainTestStep(model, self.clips, AudioVisualDataPreprocessor().normalize)
        return test, test.images


def benchmark_device(archs: dict[str, ModelSizes], device: str, settings: Sequence[Setting], rounds: int = 10,
                     warm_up: int = 3, limit_s: float = 300., num_threads: int = 2) -> Iterator[DeviceRow]:
    """Measure every setting for each size, and yield the rows as they come; rows without time for them say so.

    Args:
        archs: Names for the table -> sizes.
        device: Where to compute.
        settings: Rows of each size; compiled ones come after the others of all sizes.
        rounds: Rounds that count.
        warm_up: Rounds before them.
        limit_s: Time after which no row is begun.
        num_threads: Threads on a CPU.
    """
    prepare(num_threads)
    end, spent = monotonic() + limit_s, {}  # spent: setting -> seconds a block
    for compiled in (False, True):
        for arch, sizes in archs.items():
            chosen = [setting for setting in settings if setting.compiled == compiled]
            benchmark = None
            for setting in chosen:
                began, layers = monotonic(), sizes.vision.layers
                if began + (spent.get(setting, setting.expected_s / 12) if compiled else 0) * layers >= end:
                    yield DeviceRow(arch, setting, note='no time left')
                    continue
                benchmark = benchmark or DeviceBenchmark(arch, sizes, device, rounds, warm_up)
                yield benchmark.measure(setting)
                spent[setting] = (monotonic() - began) / layers
