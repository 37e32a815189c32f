"""Benchmark of the options that are faster and change scores: each alone and those of --fast, beside plain."""
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from mmcv.transforms import Compose
from mmengine.dataset import pseudo_collate
from torch import Tensor, nn
from tqdm import tqdm

from benchmarks.evaluation import OurRun, PlainRun
from benchmarks.plain_model import PlainModel
from benchmarks.sizes import ModelSizes
from benchmarks.timing import alternating, prepare
from claip_emo_mm.apis.fast import speed_up
from claip_emo_mm.datasets.annotations import ListedClip, read_annotation_list
from claip_emo_mm.engine.checkpoints.load import TrainedModel, build_test_pipeline
from claip_emo_mm.models.layers.int8 import has_int8

_PLAIN, _EXACT = 'plain', 'exact'
_INT8 = 'visual_backbone.int8'


@dataclass
class FastMeasurement:
    """Measurements of a model with its options.

    Args:
        seconds: row -> seconds a clip in each round, of the model without loading.
        cpu_seconds: row -> the same of the processor, all threads.
        differences: row -> largest difference of a score from the exact one, at real sizes.
        toy: row -> WAR of the toy model on toy clips, in %, and its largest difference of a score.
        num_toy: toy clips.
    """
    seconds: dict[str, list[float]] = field(default_factory=dict)
    cpu_seconds: dict[str, list[float]] = field(default_factory=dict)
    differences: dict[str, float] = field(default_factory=dict)
    toy: dict[str, tuple[float, float]] = field(default_factory=dict)
    num_toy: int = 0

    def table(self) -> str:
        """Medians by row, how they compare with plain's and with the exact ones, and what becomes of the scores."""
        lines = [f'{"":<34}{"s a clip":>9}{"plain":>8}{"exact":>8}{"cpu s":>9}{"plain":>8}{"score":>10}'
                 f'{"toy WAR":>9}{"score":>10}']
        for row, times in self.seconds.items():
            wall, cpu = statistics.median(times), statistics.median(self.cpu_seconds[row])
            ratios = [statistics.median(self.seconds[other]) / wall for other in (_PLAIN, _EXACT)]
            line = (f'{row:<34}{wall:>9.3f}{ratios[0]:>7.2f}x{ratios[1]:>7.2f}x{cpu:>9.3f}'
                    f'{statistics.median(self.cpu_seconds[_PLAIN]) / cpu:>7.2f}x{self.differences[row]:>10.1e}')
            if row in self.toy:
                line += '{:>8.1f}%{:>10.1e}'.format(*self.toy[row])
            lines.append(line)
        return '\n'.join([*lines, 'score: largest difference from the exact score; the WAR is that of '
                          f'{self.num_toy} toy clips'])


def benchmark_fast(root: Path, clips: Sequence[ListedClip], pipeline: Sequence[dict[str, Any]], sizes: ModelSizes,
                   toy: TrainedModel, toy_list: Path, rounds: int = 2, num_threads: int = 2) -> FastMeasurement:
    """Score the same clips with each option, those of --fast, and none, on a CPU; then toy clips with the toy model.

    Args:
        root: folder that the paths of the clips are relative to.
        clips: frame folders with audio files.
        pipeline: configs of our test pipeline's transforms.
        sizes: of the model, whose weights are random.
        toy: a model of the toy set.
        toy_list: annotation file of toy clips.
        rounds: rounds that count; one clip comes before.
        num_threads: threads.
    """
    prepare(num_threads)
    model, plain = sizes.build_ours(), PlainModel(sizes)
    plain.copy_weights(model)
    ours, beside = OurRun(root, model, len(clips), pipeline), PlainRun(root, plain, 8)
    rows = _rows(model)
    loaded, views = ours.load(clips), beside.load(clips)
    metrics = FastMeasurement(seconds={row: [] for row in (_PLAIN, *rows)},
                              cpu_seconds={row: [] for row in (_PLAIN, *rows)})
    scores: dict[str, Tensor] = {}
    for options in rows.values():  # the first pass is slower; integers are made in it
        with turned_on(model, options):
            ours.score(loaded[:1])
    with tqdm(total=rounds * len(metrics.seconds), unit='test', mininterval=.5) as bar:
        for _, row in alternating(metrics.seconds, rounds):
            with turned_on(model, rows.get(row, {})):
                began, cpu_began = time.perf_counter(), time.process_time()
                scores[row] = beside.score(views) if row == _PLAIN else ours.score(loaded)
                metrics.seconds[row].append((time.perf_counter() - began) / len(clips))
                metrics.cpu_seconds[row].append((time.process_time() - cpu_began) / len(clips))
            bar.update()
    metrics.differences = {row: _difference(found, scores[_EXACT]) for row, found in scores.items()}
    metrics.toy, metrics.num_toy = _score_toy(toy, toy_list)
    return metrics


def _rows(model: nn.Module) -> dict[str, dict[str, Any]]:
    """Options by row: none, each alone that this CPU has, those of `speed_up`."""
    with turned_on(model, {}):
        taken = speed_up(model)
    every = {**taken, **({_INT8: True} if has_int8() else {})}
    alone = {f'{key.rpartition(".")[2]}={value}': {key: value} for key, value in every.items()}
    return {_EXACT: {}, **alone, '--fast': taken}


@contextmanager
def turned_on(model: nn.Module, options: Mapping[str, Any]) -> Iterator[None]:
    """Set options by the keys of the config in the ``with`` block; at its end, all are off."""
    try:
        for key, value in options.items():
            path, _, name = key.rpartition('.')
            setattr(model.get_submodule(path), name, value)
        yield
    finally:
        model.precision, model.data_preprocessor.frame_tolerance = 'fp32', 0.
        model.visual_backbone.merged_tokens, model.visual_backbone.int8 = 0, False


def _score_toy(toy: TrainedModel, listed: Path) -> tuple[dict[str, tuple[float, float]], int]:
    clips = read_annotation_list(listed)
    pipeline: Compose = build_test_pipeline(toy.cfg, 'toy')
    samples = [pipeline(dict(filename=str(listed.parent / clip.video))) for clip in clips]
    names = [clip.label for clip in clips]
    scores = {}
    for row, options in _rows(toy.model).items():
        with turned_on(toy.model, options), torch.no_grad():
            scores[row] = torch.stack([each.pred_score for start in range(0, len(samples), 8)
                                       for each in toy.model.test_step(pseudo_collate(samples[start:start + 8]))])
    return {row: (100 * statistics.mean(toy.classes[best] == name for best, name in zip(
        found.argmax(1).tolist(), names, strict=True)), _difference(found, scores[_EXACT]))
        for row, found in scores.items()}, len(clips)


def _difference(found: Tensor, exact: Tensor) -> float:
    return (found - exact).abs().max().item()
