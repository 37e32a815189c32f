"""Benchmark of the data pipeline: clips per second beside a plain one."""
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from mmaction.registry import TRANSFORMS
from mmengine.runner import set_random_seed
from torch import Tensor

from benchmarks.baselines import TEST_CROPS, PlainPipeline
from benchmarks.timing import alternating, prepare
from claip_emo_mm.datasets.annotations import ListedClip, read_annotation_list


@dataclass
class DataMeasurement:
    """Measurements of the data pipelines.

    Args:
        clips_per_s: ``'train'`` or ``'test'`` -> ``'plain'`` or ``'ours'`` -> clips a second of each round.
        transform_ms: ``'train'`` or ``'test'`` -> transform -> its time for a clip in each round, ms.
        pixel_difference: largest difference of a pixel between the two test pipelines, of 255.
        mel_difference: largest difference of a value of the filterbank.
        equal_pixels: ratio of equal pixels.
    """
    clips_per_s: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    transform_ms: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    pixel_difference: int = 0
    mel_difference: float = 0.
    equal_pixels: float = 0.

    def table(self) -> str:
        """Medians, and how they compare."""
        lines = [f'{"clips a second, one worker":<30}{"plain":>10}{"ours":>10}']
        for split, speeds in self.clips_per_s.items():
            plain, ours = (statistics.median(speeds[who]) for who in ('plain', 'ours'))
            lines.append(f'{split:<30}{plain:>10.2f}{ours:>10.2f}  ({ours / plain:.2f}x)')
        for split, times in self.transform_ms.items():
            lines.append(f'{split} pipeline, ms a clip')
            lines += [f'  {name:<28}{statistics.median(values):>10.2f}' for name, values in times.items()]
        lines.append(f'test pipelines: largest difference {self.pixel_difference} of 255 in a pixel '
                     f'({100 * self.equal_pixels:.2f} % are equal), {self.mel_difference:.1e} in the filterbank')
        return '\n'.join(lines)


def benchmark_data(root: Path, pipelines: dict[str, Sequence[dict[str, Any]]], rounds: int = 5,
                   storage: str = 'frames') -> DataMeasurement:
    """Load every clip once a round with each pipeline, in one process and one thread.

    Times are those of the processor, which other programs disturb less; files come from memory, so nothing is waited
    for.

    Args:
        root: folder of ``make_frame_tree``.
        pipelines: ``'train'`` and ``'test'`` -> our transforms' configs.
        rounds: rounds that count; one more comes before.
        storage: ``'frames'`` (folders of images, and audio files) or ``'videos'``.
    """
    prepare(num_threads=1)
    metrics = DataMeasurement()
    for split, configs in pipelines.items():
        clips = _listed(root, split, storage)
        transforms = {_name(config, configs): TRANSFORMS.build(dict(config)) for config in configs}
        plain = PlainPipeline(training=split == 'train')
        speeds = metrics.clips_per_s[split] = dict(plain=[], ours=[])
        times = metrics.transform_ms[split] = {name: [] for name in transforms}
        steps = dict(plain=partial(_load_plain, plain, root, clips),
                     ours=partial(_load_ours, transforms, root, clips, times))
        for number, who in alternating(steps, rounds + 1):
            set_random_seed(number)
            speeds[who].append(len(clips) / steps[who]())
        for values in (*speeds.values(), *times.values()):
            del values[0]  # of the first round, which is slower
    _compare(metrics, root, pipelines['test'], _listed(root, 'test', storage))
    return metrics


def _name(config: dict[str, Any], configs: Sequence[dict[str, Any]]) -> str:
    """A transform's type, numbered where the pipeline has several."""
    same = [other for other in configs if other['type'] == config['type']]
    return config['type'] if len(same) == 1 else f'{config["type"]} {same.index(config) + 1}'


def _listed(root: Path, split: str, storage: str) -> list[ListedClip]:
    return read_annotation_list(root / (f'{split}.csv' if storage == 'frames' else f'{split}_videos.csv'))


def _sample(root: Path, clip: ListedClip) -> dict[str, Any]:
    if clip.video:
        return dict(filename=str(root / clip.video), label=0)
    return dict(frame_dir=str(root / clip.frames), audio_path=str(root / clip.audio), label=0)


def _run_plain(pipeline: PlainPipeline, root: Path, clip: ListedClip) -> list[dict[str, Tensor]]:
    return pipeline(root / clip.video) if clip.video else pipeline(root / clip.frames, root / clip.audio)


def _load_plain(pipeline: PlainPipeline, root: Path, clips: Sequence[ListedClip]) -> float:
    start = time.process_time()
    for clip in clips:
        _run_plain(pipeline, root, clip)
    return time.process_time() - start


def _load_ours(transforms: dict[str, Callable[[dict], dict]], root: Path, clips: Sequence[ListedClip],
               times: dict[str, list[float]]) -> float:
    spent = dict.fromkeys(transforms, 0.)
    for clip in clips:
        sample = _sample(root, clip)
        for name, transform in transforms.items():
            start = time.process_time()
            sample = transform(sample)
            spent[name] += time.process_time() - start
    for name, seconds in spent.items():
        times[name].append(1000 * seconds / len(clips))
    return sum(spent.values())


def _compare(metrics: DataMeasurement, root: Path, configs: Sequence[dict[str, Any]],
             clips: Sequence[ListedClip]) -> None:
    """Compare the outputs of both test pipelines for every clip."""
    transforms = [TRANSFORMS.build(dict(config)) for config in configs]
    equal = total = 0
    for clip in clips:
        sample = _sample(root, clip)
        for transform in transforms:
            sample = transform(sample)
        ours = sample['inputs']
        views = _run_plain(PlainPipeline(training=False), root, clip)
        for number, view in enumerate(views):
            frames = ours['frames'][ours['frame_index'][number // TEST_CROPS]]  # (T, 3, H, W)
            mel = ours['mel'][ours['audio_index'][number // TEST_CROPS], 0]
            difference = (frames.int() - view['pixels'].int()).abs()
            metrics.pixel_difference = max(metrics.pixel_difference, difference.max().item())
            metrics.mel_difference = max(metrics.mel_difference, (mel - view['mel']).abs().max().item())
            equal += (difference == 0).sum().item()
            total += difference.numel()
    metrics.equal_pixels = equal / total
