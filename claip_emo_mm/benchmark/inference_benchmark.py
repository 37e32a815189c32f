"""Speed of the inferencer on a video and where the time goes, beside a plain one, in one run."""
import statistics
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import DefaultScope
from tqdm import tqdm

from claip_emo_mm.apis import EmotionResult, SlimFaceFinder
from claip_emo_mm.apis.result_folder import ResultFolder
from claip_emo_mm.benchmark.timed_inference import PARTS, TimedFile, TimedInferencer, infer_plainly
from claip_emo_mm.engine.checkpoints import META_KEY, make_facts

_REST, _RESULTS, _OVERLAY = 'following, cutting out, the rest', 'json, csv and picture', 'video with boxes'


@dataclass
class InferenceFigures:
    """What was measured.

    Args:
        length_s: of the video.
        seconds: ``'plain'`` or ``'ours'`` -> part -> seconds in each round; a part may be ours alone.
    """
    length_s: float
    seconds: dict[str, dict[str, list[float]]] = field(default_factory=lambda: dict(plain={}, ours={}))

    def add(self, who: str, part: str, seconds: float) -> None:
        self.seconds[who].setdefault(part, []).append(seconds)

    def table(self) -> str:
        """Medians, how they compare, and multiples of real time."""
        lines = [f'{"seconds":<34}{"plain":>10}{"ours":>10}']
        for part in (*PARTS, _REST):
            lines.append(self._line(part, *(self._median(who, part) for who in ('plain', 'ours'))))
        whole = [sum(self._median(who, part) for part in (*PARTS, _REST)) for who in ('plain', 'ours')]
        lines.append(self._line('judging, all of it', *whole))
        lines.append(f'{"  times real time":<34}{self.length_s / whole[0]:>10.2f}{self.length_s / whole[1]:>10.2f}')
        for part in (_RESULTS, _OVERLAY):
            lines.append(f'{part:<34}{"":>10}{self._median("ours", part):>10.2f}')
        return '\n'.join(lines)

    def _median(self, who: str, part: str) -> float:
        return statistics.median(self.seconds[who].get(part, [0.]))

    @staticmethod
    def _line(part: str, plain: float, ours: float) -> str:
        ratio = f'  ({plain / ours:.2f}x)' if min(plain, ours) > .005 else ''
        return f'{part:<34}{plain:>10.2f}{ours:>10.2f}{ratio}'


def benchmark_inference(video: str, checkpoint: str, face: str = 'largest', rounds: int = 2, device: str = 'cpu',
                        num_threads: int = 2, cfg_options: Mapping[str, Any] | None = None,
                        plain: bool = True) -> InferenceFigures:
    """Judge a video once a round in each way, in alternating order, in one process.

    Args:
        video: file with picture.
        checkpoint: of the model.
        face: 'largest' or 'none'.
        rounds: rounds that count; the first windows are judged once before.
        device: where to compute.
        num_threads: threads on a CPU.
        cfg_options: changes to the checkpoint's config.
        plain: whether to measure the plain one.
    """
    torch.set_num_threads(num_threads)
    cv2.setNumThreads(num_threads)
    finder = SlimFaceFinder()
    infer = TimedInferencer(checkpoint, device, dict(cfg_options or {}), finder)
    result = infer.infer(video, face=face)  # the first pass is slower
    windows = [(row.from_s, row.to_s) for row in result.rows]
    figures = InferenceFigures(result.duration_s)
    with tqdm(total=(1 + plain) * rounds, unit='pass', mininterval=.5) as bar:
        for number in range(rounds):
            for who in sorted(('ours', 'plain') if plain else ('ours',), reverse=number % 2 == 1):
                bar.set_description(who)
                began = time.perf_counter()
                if who == 'plain':
                    seconds = infer_plainly(infer, video, face, windows, finder)[0].seconds
                else:
                    infer.clock.seconds.clear()
                    infer.infer(TimedFile(video, infer.clock), face=face)
                    seconds = infer.clock.seconds
                whole = time.perf_counter() - began
                for part in PARTS:
                    figures.add(who, part, seconds[part])
                figures.add(who, _REST, whole - sum(seconds[part] for part in PARTS))
                bar.update()
            _measure_writing(figures, Path(video), Path(checkpoint), result)
    return figures


def _measure_writing(figures: InferenceFigures, video: Path, checkpoint: Path, result: EmotionResult) -> None:
    spent = {}
    for overlay in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            results = ResultFolder(Path(folder), [video], checkpoint, {}, overlay)
            began = time.perf_counter()
            results.write(video, result)
            spent[overlay] = time.perf_counter() - began
    figures.add('ours', _RESULTS, spent[False])
    figures.add('ours', _OVERLAY, spent[True] - spent[False])


def write_random_checkpoint(cfg: Config, path: Path) -> None:
    """Write a checkpoint of a config's model with random weights, whole, so that nothing has to be fetched."""
    cfg = cfg.copy()
    cfg.merge_from_dict({f'model.{name}.pretrained': None for name in ('visual_backbone', 'audio_backbone')
                         if cfg.model.get(name)})
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmaction'):
        model = MODELS.build(cfg.model)
    classes = [f'class {number}' for number in range(cfg.model.cls_head.num_classes)]
    torch.save(dict(state_dict=model.state_dict(), meta={META_KEY: make_facts(cfg, classes, model, {})}), path)
