"""Clips a second of one worker: our data pipeline beside a plain one, in one run."""
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import torch
from mmaction.registry import TRANSFORMS
from mmengine.registry import DefaultScope
from torch import Tensor
from tqdm import tqdm

from claip_emo_mm.benchmark.plain_data import MEAN, STD, PlainData
from claip_emo_mm.benchmark.reference_pipelines import reference_pipeline

MODES = ('train', 'test')


@dataclass
class DataFigures:
    """What was measured in each of `MODES`; one value for each round.

    Args:
        plain_s: time of the plain pipeline for all clips, s.
        ours_s: time of ours.
        transform_s: name of a transform of ours -> its share of that.
        num_clips: clips of a round.
        distinct_frames: mean number of distinct frames of a clip.
        pixel_difference: largest difference between the test pipelines, steps of brightness (of 255).
        mel_difference: largest difference of a filterbank value between them.
    """
    plain_s: dict[str, list[float]] = field(default_factory=lambda: {mode: [] for mode in MODES})
    ours_s: dict[str, list[float]] = field(default_factory=lambda: {mode: [] for mode in MODES})
    transform_s: dict[str, dict[str, list[float]]] = field(default_factory=lambda: {mode: {} for mode in MODES})
    num_clips: int = 0
    distinct_frames: dict[str, float] = field(default_factory=dict)
    pixel_difference: float = 0.
    mel_difference: float = 0.

    def table(self) -> str:
        """Medians of the rounds, and where ours spends its time."""
        lines = [f'{"":<26}{"train":>22}{"test":>22}']
        for title, times in (('plain', self.plain_s), ('ours', self.ours_s)):
            cells = [f'{self.num_clips / statistics.median(times[mode]):.1f} clips/s'
                     f'{f"({self.speedup(mode) if times is self.ours_s else 1:.2f}x)":>9}' for mode in MODES]
            lines.append(f'{title:<26}' + ''.join(f'{cell:>22}' for cell in cells))
        lines.append(f'{"distinct frames a clip":<26}' + ''.join(f'{self.distinct_frames[mode]:>22.1f}'
                                                                 for mode in MODES))
        lines.append('time of a clip, ours:')
        for name in dict.fromkeys(name for mode in MODES for name in self.transform_s[mode]):
            lines.append(f'  {name:<24}' + ''.join(f'{self._transform_ms(mode, name):>22}' for mode in MODES))
        lines.append(f'test, largest difference plain to ours: {self.pixel_difference:.3f} steps of brightness, '
                     f'{self.mel_difference:.1e} of the filterbank')
        return '\n'.join(lines)

    def speedup(self, mode: str) -> float:
        """How many times as many clips a second ours gives."""
        return statistics.median(self.plain_s[mode]) / statistics.median(self.ours_s[mode])

    def _transform_ms(self, mode: str, name: str) -> str:
        times = self.transform_s[mode].get(name)
        return '-' if times is None else f'{1000 * statistics.median(times) / self.num_clips:.2f} ms'


def benchmark_data(clips: Sequence[dict[str, str]], rounds: int = 5) -> DataFigures:
    """Load every clip once a round with both pipelines, in alternating order, in this process with one thread.

    Both start each clip from the same seed, so that their RandAugment draws the same. One more round comes before,
    which fills the system's cache of files and does not count.

    Args:
        clips: `frame_dir` and `audio_path` of each.
        rounds: rounds that count.
    """
    threads = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    try:
        with DefaultScope.overwrite_default_scope('mmaction'):
            return _measure(clips, rounds)
    finally:
        torch.set_num_threads(threads[0])
        cv2.setNumThreads(threads[1])


def _measure(clips: Sequence[dict[str, str]], rounds: int) -> DataFigures:
    plain = PlainData()
    ours = {mode: [TRANSFORMS.build(part) for part in reference_pipeline(mode == 'train')] for mode in MODES}
    figures = DataFigures(num_clips=len(clips))
    for clip in clips:
        _compare(figures, plain.test_sample(clip), _run(ours['test'], clip, {}))
    for number in tqdm(range(rounds + 1), desc='rounds', disable=None):
        for mode, plain_sample in (('train', plain.training_sample), ('test', plain.test_sample)):
            spent: dict[str, float] = {}
            found: list[int] = []
            steps: dict[str, Callable[[dict[str, str]], object]] = {
                'plain': plain_sample,
                'ours': lambda clip, mode=mode, spent=spent, found=found: found.append(
                    len(_run(ours[mode], clip, spent)['frames']))}
            times = {name: _time_all(steps[name], clips) for name in sorted(steps, reverse=number % 2 == 1)}
            figures.distinct_frames[mode] = statistics.mean(found)
            if number:
                figures.plain_s[mode].append(times['plain'])
                figures.ours_s[mode].append(times['ours'])
                for name, seconds in spent.items():
                    figures.transform_s[mode].setdefault(name, []).append(seconds)
    return figures


def _time_all(step: Callable[[dict[str, str]], object], clips: Sequence[dict[str, str]]) -> float:
    start = time.perf_counter()
    for seed, clip in enumerate(clips):
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
        step(clip)
    return time.perf_counter() - start


def _run(pipeline: Sequence[Callable[[dict], dict]], clip: dict[str, str],
         spent: dict[str, float]) -> dict[str, Tensor]:
    """Run our pipeline and add each transform's time to `spent`."""
    sample = dict(clip)
    for transform in pipeline:
        name = type(transform).__name__
        start = time.perf_counter()
        sample = transform(sample)
        spent[name] = spent.get(name, 0.) + time.perf_counter() - start
    return sample['inputs']


def _compare(figures: DataFigures, plain: dict[str, Tensor], ours: dict[str, Tensor]) -> None:
    """Note the largest differences between the test samples of a clip."""
    spatial_views = len(plain['frames']) // len(ours['frame_index'])
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, STD))
    for view, (frames, mel) in enumerate(zip(plain['frames'], plain['mel'], strict=True)):
        index = ours['frame_index'][view // spatial_views]
        pixels = 255 * (frames * std + mean)  # (T, 3, H, W)
        our_mel = ours['mel'][ours['audio_index'][view // spatial_views]]
        figures.pixel_difference = max(figures.pixel_difference, (pixels - ours['frames'][index]).abs().max().item())
        figures.mel_difference = max(figures.mel_difference, (mel - our_mel).abs().max().item())
