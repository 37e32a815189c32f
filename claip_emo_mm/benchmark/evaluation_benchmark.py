"""Seconds that the test of a clip takes, ours beside a plain implementation, in one run."""
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import torch
from mmengine.registry import init_default_scope
from tqdm import tqdm

from claip_emo_mm.benchmark.evaluation_runs import EvaluationRun, OurRun, PlainRun
from claip_emo_mm.benchmark.model_sizes import ModelSizes
from claip_emo_mm.benchmark.peak_memory import begin_peak, occupied, peak_since, warm_up
from claip_emo_mm.benchmark.plain_model import PlainModel
from claip_emo_mm.datasets.annotation_list import ListedClip

_PARTS = ('loading', 'model')
_COMPARED = 2  # clips that are scored with the same pixels


@dataclass
class EvaluationFigures:
    """What was measured.

    Args:
        seconds: ``'plain'`` or ``'ours'`` -> ``'loading'`` or ``'model'`` -> seconds a clip in each round.
        frames: distinct frames of a clip, on average; plain encodes 64.
        sounds: distinct audio windows of a clip, on average; plain encodes 4.
        difference: largest difference of a score, ours and every view encoded on its own, of the same pixels.
        loaded_difference: the same, each with what its own pipeline loaded.
        peak_bytes: peak memory of testing one batch of the longest clips.
    """
    seconds: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    frames: float = 0.
    sounds: float = 0.
    difference: float = 0.
    loaded_difference: float = 0.
    peak_bytes: dict[str, int] = field(default_factory=dict)

    def table(self) -> str:
        """Medians, and how they compare."""
        lines = [f'{"seconds a test clip":<30}{"plain":>12}{"ours":>12}']
        for part in (*_PARTS, 'both'):
            plain, ours = (statistics.median(self._times(who, part)) for who in ('plain', 'ours'))
            lines.append(f'{part:<30}{plain:>12.3f}{ours:>12.3f}  ({plain / ours:.2f}x)')
        if self.peak_bytes:
            plain, ours = (self.peak_bytes[who] / 1e6 for who in ('plain', 'ours'))
            lines.append(f'{"peak memory, MB":<30}{plain:>12,.0f}{ours:>12,.0f}  ({ours / plain:.2f}x)')
        lines.append(f'{"frames encoded a clip":<30}{64:>12}{self.frames:>12.1f}')
        lines.append(f'{"audio windows encoded a clip":<30}{4:>12}{self.sounds:>12.1f}')
        lines.append(f'largest difference of a score: {self.difference:.1e} of the same pixels, '
                     f'{self.loaded_difference:.1e} each with its own pipeline')
        return '\n'.join(lines)

    def _times(self, who: str, part: str) -> list[float]:
        times = self.seconds[who]
        return [sum(pair) for pair in zip(*times.values(), strict=True)] if part == 'both' else times[part]


def benchmark_evaluation(root: Path, clips: Sequence[ListedClip], pipeline: Sequence[dict[str, Any]],
                         sizes: ModelSizes, batch_size: int = 8, rounds: int = 2, device: str = 'cpu',
                         num_threads: int = 2, memory: bool = True) -> EvaluationFigures:
    """Test all clips once a round in each way, in alternating order, in one process: load a batch, then score it.

    Args:
        root: folder that the paths of the clips are relative to.
        clips: frame folders with sound files.
        pipeline: configs of our test pipeline's transforms.
        sizes: of the model.
        batch_size: clips (ours) or views (plain) that the model gets at once.
        rounds: rounds that count; two clips come before.
        device: where to compute.
        num_threads: threads on a CPU.
        memory: whether to measure the memory, in a new process for each.
    """
    _prepare(num_threads)
    figures = EvaluationFigures(seconds={who: {part: [] for part in _PARTS} for who in ('plain', 'ours')})
    runs = _build(root, pipeline, sizes, batch_size, device)
    _compare(figures, runs['ours'], runs['plain'], clips[:_COMPARED])  # and the first pass, which is slower
    scores = {}
    with tqdm(total=2 * rounds, unit='test', mininterval=.5) as bar:
        for number in range(rounds):
            for who in sorted(runs, reverse=number % 2 == 1):
                bar.set_description(who)
                scores[who] = _test(runs[who], clips, figures.seconds[who])
                bar.update()
    figures.loaded_difference = (scores['ours'] - scores['plain']).abs().max().item()
    _count(figures, runs['ours'], clips)
    del runs
    if memory:
        longest = sorted(clips, key=lambda clip: len(list((root / clip.frames).iterdir())))[-batch_size:]
        for who in ('plain', 'ours'):
            with ProcessPoolExecutor(1, mp_context=get_context('spawn')) as pool:
                figures.peak_bytes[who] = pool.submit(_measure_peak, who, root, longest, pipeline, sizes, batch_size,
                                                      device, num_threads).result()
    return figures


def _prepare(num_threads: int) -> None:
    init_default_scope('mmaction')
    torch.set_num_threads(num_threads)
    cv2.setNumThreads(0)
    torch.manual_seed(0)


def _build(root: Path, pipeline: Sequence[dict], sizes: ModelSizes, batch_size: int,
           device: str) -> dict[str, EvaluationRun]:
    ours, plain = sizes.build_ours(), PlainModel(sizes)
    plain.copy_weights(ours)
    return dict(plain=PlainRun(root, plain.to(device), batch_size),
                ours=OurRun(root, ours.to(device), batch_size, pipeline))


def _test(run: EvaluationRun, clips: Sequence[ListedClip], seconds: dict[str, list[float]]) -> torch.Tensor:
    """Test all clips and note the seconds a clip of both parts."""
    spent, scores = dict.fromkeys(_PARTS, 0.), []
    for start in range(0, len(clips), run.batch_size):
        began = time.perf_counter()
        loaded = run.load(clips[start:start + run.batch_size])
        at = time.perf_counter()
        scores.append(run.score(loaded))  # on the CPU: it has waited for a GPU
        spent['loading'] += at - began
        spent['model'] += time.perf_counter() - at
    for part, total in spent.items():
        seconds[part].append(total / len(clips))
    return torch.cat(scores)


def _compare(figures: EvaluationFigures, ours: OurRun, plain: PlainRun, clips: Sequence[ListedClip]) -> None:
    """Let both models score what our pipeline loads."""
    loaded = ours.load(clips)
    figures.difference = (ours.score(loaded) - plain.score(plain.write_out(loaded, ours.model))).abs().max().item()


def _count(figures: EvaluationFigures, ours: OurRun, clips: Sequence[ListedClip]) -> None:
    """Count what our model encodes."""
    for clip in clips:
        [sample] = ours.load([clip])
        figures.frames += len(sample['inputs']['frames']) / len(clips)
        figures.sounds += len(sample['inputs']['mel']) / len(clips)


def _measure_peak(who: str, root: Path, clips: Sequence[ListedClip], pipeline: Sequence[dict], sizes: ModelSizes,
                  batch_size: int, device: str, num_threads: int) -> int:
    """Measure the memory of testing one batch, as ``measure_peak`` does."""
    _prepare(num_threads)
    warm_up(who)
    before = occupied()
    model = (PlainModel(sizes) if who == 'plain' else sizes.build_ours()).to(device)
    run = PlainRun(root, model, batch_size) if who == 'plain' else OurRun(root, model, batch_size, pipeline)
    views = len(run.load(clips[:1]))  # that stand for a clip
    begin_peak(device)
    run.score(run.load(clips[:-(-batch_size // views)]))
    return peak_since(before, device)
