"""Benchmark of testing: loading and scoring clips beside a plain implementation."""
import statistics
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from mmaction.registry import TRANSFORMS
from mmcv.transforms import Compose
from mmengine.dataset import pseudo_collate
from torch import Tensor, nn
from tqdm import tqdm

from benchmarks.baselines import TEST_CROPS, TEST_VIEWS, PlainPipeline
from benchmarks.plain_model import PlainModel
from benchmarks.sizes import ModelSizes
from benchmarks.timing import alternating, begin_peak, in_new_process, occupied, peak_since, prepare, warm_up
from claip_emo_mm.datasets.annotations import ListedClip
from claip_emo_mm.models.recognizer import AudioVisualRecognizer


class EvaluationRun(ABC):
    """A pipeline and a model. `load` reads clips, and `score` finds what the model says of them.

    Args:
        root: folder that the paths of the clips are relative to.
        model: on its device.
        batch_size: what the model gets at once: clips (ours), or views (plain).
    """

    def __init__(self, root: Path, model: nn.Module, batch_size: int) -> None:
        self.root = root
        self.model = model.eval()
        self.device = next(model.parameters()).device
        self.batch_size = batch_size

    @abstractmethod
    def load(self, clips: Sequence[ListedClip]) -> Any:
        """Load clips."""

    @abstractmethod
    def score(self, loaded: Any) -> Tensor:
        """Score loaded clips; (B, K), on the CPU."""


class OurRun(EvaluationRun):
    """Each distinct frame and audio of a batch of clips is loaded and encoded once.

    Args:
        root, model, batch_size: as in ``EvaluationRun``.
        pipeline: configs of the test pipeline's transforms.
    """

    model: AudioVisualRecognizer

    def __init__(self, root: Path, model: AudioVisualRecognizer, batch_size: int, pipeline: Sequence[dict]) -> None:
        super().__init__(root, model, batch_size)
        self.pipeline = Compose([TRANSFORMS.build(dict(transform)) for transform in pipeline])

    def load(self, clips: Sequence[ListedClip]) -> list[dict[str, Any]]:
        return [self.pipeline(dict(frame_dir=str(self.root / clip.frames), audio_path=str(self.root / clip.audio)))
                for clip in clips]

    def score(self, loaded: list[dict[str, Any]]) -> Tensor:
        scores = []
        for start in range(0, len(loaded), self.batch_size):
            with torch.no_grad():
                samples = self.model.test_step(pseudo_collate(loaded[start:start + self.batch_size]))
            scores += [sample.pred_score.cpu() for sample in samples]
        return torch.stack(scores)


class PlainRun(EvaluationRun):
    """The 2 windows x 2 crops of a clip are 4 samples, each loaded and encoded on its own, as the reference does."""

    def load(self, clips: Sequence[ListedClip]) -> list[dict[str, Tensor]]:
        pipeline = PlainPipeline(training=False)
        views = [view for clip in clips for view in pipeline(self.root / clip.frames, self.root / clip.audio)]
        return [dict(frames=view['frames'], mel=view['mel'][None]) for view in views]

    def score(self, loaded: list[dict[str, Tensor]]) -> Tensor:
        scores = []
        for start in range(0, len(loaded), self.batch_size):
            views = loaded[start:start + self.batch_size]
            batch = {key: torch.stack([view[key] for view in views]).to(self.device) for key in ('frames', 'mel')}
            with torch.no_grad():
                scores.append(self.model(batch).softmax(-1).cpu())
        return torch.cat(scores).unflatten(0, (-1, TEST_VIEWS * TEST_CROPS)).mean(1)

    def expand_views(self, loaded: list[dict[str, Any]], ours: AudioVisualRecognizer) -> list[dict[str, Tensor]]:
        """Expand what our pipeline loaded to single views, to score the same pixels and audio."""
        views = []
        for sample in loaded:
            inputs = sample['inputs']
            for number in range(TEST_VIEWS * TEST_CROPS):
                frames = inputs['frames'][inputs['frame_index'][number // TEST_CROPS]].float()
                views.append(dict(frames=ours.data_preprocessor.normalize(frames.to(self.device)),
                                  mel=inputs['mel'][inputs['audio_index'][number // TEST_CROPS]]))
        return views


_STAGES = ('loading', 'model')
_COMPARED = 2  # clips that are scored with the same pixels


@dataclass
class EvaluationMeasurement:
    """Measurements of testing.

    Args:
        seconds: ``'plain'`` or ``'ours'`` -> ``'loading'`` or ``'model'`` -> seconds a clip in each round.
        frames: distinct frames of a clip, on average; plain encodes 64.
        audio: distinct audio windows of a clip, on average; plain encodes 4.
        difference: largest difference of a score, ours and every view encoded on its own, of the same pixels.
        loaded_difference: the same, each with what its own pipeline loaded.
        peak_bytes: peak memory of testing one batch of the longest clips.
        same_weights: whether both audio encoders have the same weights; not where laion_clap is not installed.
    """
    seconds: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    frames: float = 0.
    audio: float = 0.
    difference: float = 0.
    loaded_difference: float = 0.
    peak_bytes: dict[str, int] = field(default_factory=dict)
    same_weights: bool = True

    def table(self) -> str:
        """Medians, and how they compare."""
        lines = [f'{"seconds a test clip":<30}{"plain":>12}{"ours":>12}']
        for stage in (*_STAGES, 'both'):
            plain, ours = (statistics.median(self._times(who, stage)) for who in ('plain', 'ours'))
            lines.append(f'{stage:<30}{plain:>12.3f}{ours:>12.3f}  ({plain / ours:.2f}x)')
        if self.peak_bytes:
            plain, ours = (self.peak_bytes[who] / 1e6 for who in ('plain', 'ours'))
            lines.append(f'{"peak memory, MB":<30}{plain:>12,.0f}{ours:>12,.0f}  ({ours / plain:.2f}x)')
        lines.append(f'{"frames encoded a clip":<30}{64:>12}{self.frames:>12.1f}')
        lines.append(f'{"audio windows encoded a clip":<30}{4:>12}{self.audio:>12.1f}')
        lines.append(f'largest difference of a score: {self.difference:.1e} of the same pixels, '
                     f'{self.loaded_difference:.1e} each with its own pipeline' if self.same_weights else
                     "plain has transformers' ClapAudioModel with weights of its own, as laion_clap is not installed")
        return '\n'.join(lines)

    def _times(self, who: str, stage: str) -> list[float]:
        times = self.seconds[who]
        return [sum(pair) for pair in zip(*times.values(), strict=True)] if stage == 'both' else times[stage]


def benchmark_evaluation(root: Path, clips: Sequence[ListedClip], pipeline: Sequence[dict[str, Any]],
                         sizes: ModelSizes, batch_size: int = 8, rounds: int = 2, device: str = 'cpu',
                         num_threads: int = 2, memory: bool = True) -> EvaluationMeasurement:
    """Test all clips once a round in each way, in one process: load a batch, then score it.

    Args:
        root: folder that the paths of the clips are relative to.
        clips: frame folders with audio files.
        pipeline: configs of our test pipeline's transforms.
        sizes: of the model.
        batch_size: clips (ours) or views (plain) that the model gets at once.
        rounds: rounds that count; two clips come before.
        device: where to compute.
        num_threads: threads on a CPU.
        memory: whether to measure the memory, in a new process for each.
    """
    prepare(num_threads)
    metrics = EvaluationMeasurement(seconds={who: {stage: [] for stage in _STAGES} for who in ('plain', 'ours')})
    runs = _build(root, pipeline, sizes, batch_size, device)
    _compare(metrics, runs['ours'], runs['plain'], clips[:_COMPARED])  # and the first pass, which is slower
    scores = {}
    with tqdm(total=2 * rounds, unit='test', mininterval=.5) as bar:
        for _, who in alternating(runs, rounds):
            bar.set_description(who)
            scores[who] = _test(runs[who], clips, metrics.seconds[who])
            bar.update()
    metrics.loaded_difference = (scores['ours'] - scores['plain']).abs().max().item()
    _count(metrics, runs['ours'], clips)
    del runs
    if memory:
        longest = sorted(clips, key=lambda clip: len(list((root / clip.frames).iterdir())))[-batch_size:]
        for who in ('plain', 'ours'):
            metrics.peak_bytes[who] = in_new_process(_measure_peak, who, root, longest, pipeline, sizes, batch_size,
                                                     device, num_threads)
    return metrics


def _build(root: Path, pipeline: Sequence[dict], sizes: ModelSizes, batch_size: int,
           device: str) -> dict[str, EvaluationRun]:
    ours, plain = sizes.build_ours(), PlainModel(sizes)
    plain.copy_weights(ours)
    return dict(plain=PlainRun(root, plain.to(device), batch_size),
                ours=OurRun(root, ours.to(device), batch_size, pipeline))


def _test(run: EvaluationRun, clips: Sequence[ListedClip], seconds: dict[str, list[float]]) -> torch.Tensor:
    """Test all clips and note the seconds a clip of both stages."""
    spent, scores = dict.fromkeys(_STAGES, 0.), []
    for start in range(0, len(clips), run.batch_size):
        began = time.perf_counter()
        loaded = run.load(clips[start:start + run.batch_size])
        at = time.perf_counter()
        scores.append(run.score(loaded))  # on the CPU: it has waited for a GPU
        spent['loading'] += at - began
        spent['model'] += time.perf_counter() - at
    for stage, total in spent.items():
        seconds[stage].append(total / len(clips))
    return torch.cat(scores)


def _compare(metrics: EvaluationMeasurement, ours: OurRun, plain: PlainRun, clips: Sequence[ListedClip]) -> None:
    """Let both models score what our pipeline loads."""
    loaded = ours.load(clips)
    metrics.difference = (ours.score(loaded) - plain.score(plain.expand_views(loaded, ours.model))).abs().max().item()
    metrics.same_weights = plain.model.audio_from == 'laion_clap'


def _count(metrics: EvaluationMeasurement, ours: OurRun, clips: Sequence[ListedClip]) -> None:
    """Count what our model encodes."""
    for clip in clips:
        [sample] = ours.load([clip])
        metrics.frames += len(sample['inputs']['frames']) / len(clips)
        metrics.audio += len(sample['inputs']['mel']) / len(clips)


def _measure_peak(who: str, root: Path, clips: Sequence[ListedClip], pipeline: Sequence[dict], sizes: ModelSizes,
                  batch_size: int, device: str, num_threads: int) -> int:
    """Measure the memory of testing one batch, as ``measure_peak`` does."""
    prepare(num_threads)
    warm_up(who)
    before = occupied()
    model = (PlainModel(sizes) if who == 'plain' else sizes.build_ours()).to(device)
    run = PlainRun(root, model, batch_size) if who == 'plain' else OurRun(root, model, batch_size, pipeline)
    views = len(run.load(clips[:1]))  # that stand for a clip
    begin_peak(device)
    run.score(run.load(clips[:-(-batch_size // views)]))
    return peak_since(before, device)
