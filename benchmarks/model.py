"""Benchmark of the model: time and memory beside a plain one."""
import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F

from benchmarks.devices import time_calls
from benchmarks.plain_model import PlainModel
from benchmarks.sizes import ModelSizes, TrainingStep, evaluate, set_checkpointing
from benchmarks.timing import alternating, measure_peak, prepare


@dataclass
class ModelMeasurement:
    """Measurements of plain, ours, checkpointed (ours with recomputed activations) and products (the floor).

    Args:
        evaluation_s: Times of the evaluation's forward pass by variant, s.
        training_s: Times of the training step by variant, s.
        peak_bytes: Peak memory of the training step by variant.
        difference: Largest difference of a logit between plain and ours, with the same weights, in evaluation; NaN
            where laion_clap is not installed, whose audio encoder takes our weights.
    """
    evaluation_s: dict[str, list[float]] = field(default_factory=dict)
    training_s: dict[str, list[float]] = field(default_factory=dict)
    peak_bytes: dict[str, int] = field(default_factory=dict)
    difference: float = math.nan

    def table(self) -> str:
        """Medians, and how they compare with plain's."""
        lines = [f'{"":<34}{"evaluation":>21}{"training step":>21}{"training peak":>22}']
        for variant, title in (('plain', 'plain (transformers, peft)'), ('ours', 'ours'),
                               ('checkpointed', 'ours, activations recomputed'),
                               ('products', 'floor: the visual encoder\'s products')):
            line = f'{title:<34}'
            for times in (self.evaluation_s, self.training_s):
                line += _cell(times, variant, lambda seconds: f'{seconds:.3f} s', faster=True)
            peaks = {name: [peak] for name, peak in self.peak_bytes.items()}
            line += _cell(peaks, variant, lambda size: f'{size / 1e6:,.0f} MB', faster=False)
            lines.append(line.rstrip())
        lines.append("plain has transformers' ClapAudioModel with weights of its own, as laion_clap is not installed"
                     if math.isnan(self.difference) else
                     f'largest difference of a logit, plain to ours: {self.difference:.1e}')
        return '\n'.join(lines)


def _cell(measured: dict[str, list[float]], variant: str, show: Callable[[float], str], faster: bool) -> str:
    if variant not in measured:
        return f'{"-":>12}{"":>9}'
    value, plain = (statistics.median(measured[name]) for name in (variant, 'plain'))
    ratio = plain / value if faster else value / plain
    return f'{show(value):>12}{f"({ratio:.2f}x)":>9}'


def benchmark_model(sizes: ModelSizes, rounds: int = 5, device: str = 'cpu', num_threads: int = 2,
                    memory: bool = True) -> ModelMeasurement:
    """Time every variant once a round, in alternating order; then measure each one's memory in a new process.

    Args:
        sizes: Sizes of model and batch.
        rounds: Rounds that count; one more comes before.
        device: Where to compute.
        num_threads: Threads on a CPU.
        memory: Whether to measure the memory.
    """
    prepare(num_threads)
    metrics = ModelMeasurement()
    _time_all(metrics, sizes, rounds, device)  # returns its memory before the other processes take theirs
    if memory:
        metrics.peak_bytes = {variant: measure_peak(variant, sizes, device, num_threads)
                              for variant in ('plain', 'ours', 'checkpointed')}
    return metrics


def _time_all(metrics: ModelMeasurement, sizes: ModelSizes, rounds: int, device: str) -> None:
    ours, plain = sizes.build_ours(), PlainModel(sizes)
    plain.copy_weights(ours)
    ours.to(device)
    plain.to(device)
    batch = sizes.sample_batch(torch.device(device))
    if plain.audio_from == 'laion_clap':
        metrics.difference = (evaluate(ours, batch) - evaluate(plain, batch)).abs().max().item()
    metrics.evaluation_s = _time(rounds, device, {
        'plain': lambda: evaluate(plain, batch), 'ours': lambda: evaluate(ours, batch),
        'products': _products(sizes, device, training=False)})
    train_ours = TrainingStep(ours, batch)

    def train_checkpointed() -> None:
        set_checkpointing(ours, True)
        train_ours()
        set_checkpointing(ours, False)

    metrics.training_s = _time(rounds, device, {
        'plain': TrainingStep(plain, batch), 'ours': train_ours, 'checkpointed': train_checkpointed,
        'products': _products(sizes, device, training=True)})


def _time(rounds: int, device: str, steps: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Time each step once a round; the first round does not count."""
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _, name in alternating(steps, rounds + 1):
        times[name] += time_calls(steps[name], device, rounds=1)
    return {name: seconds[1:] for name, seconds in times.items()}


def _products(sizes: ModelSizes, device: str, training: bool) -> Callable[[], None]:
    """The matrix products of the visual encoder's frozen blocks alone, backward to the input where it is trained."""
    vision = sizes.vision
    hidden = int(vision.width * vision.mlp_ratio)
    rows = sizes.num_clips * sizes.num_frames * ((vision.image_size // vision.patch_size) ** 2 + 1)
    shapes = [(vision.width, vision.width)] * 4 + [(hidden, vision.width), (vision.width, hidden)]
    weights = [torch.randn(shape, device=device) for shape in shapes]
    inputs = {width: torch.randn(rows, width, device=device) for width in (vision.width, hidden)}

    def compute() -> None:
        for _ in range(vision.layers):
            for weight in weights:
                F.linear(inputs[weight.shape[1]], weight)
                if training:
                    inputs[weight.shape[0]] @ weight

    return compute
