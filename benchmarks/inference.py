"""Benchmark of inference on a video beside a plain implementation."""
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import DefaultScope
from tqdm import tqdm

from benchmarks.devices import synchronize
from benchmarks.timing import alternating, prepare
from claip_emo_mm.apis.inferencer import EmotionInferencer
from claip_emo_mm.apis.result_writer import ResultWriter
from claip_emo_mm.apis.window_clip import WindowClip
from claip_emo_mm.apis.windows import TICKS_HZ
from claip_emo_mm.engine.checkpoints.metadata import META_KEY, make_metadata
from claip_emo_mm.faces.crop import crop_face
from claip_emo_mm.faces.detector import FaceBox, FaceDetector, default_detector
from claip_emo_mm.faces.tracking import follow_face
from claip_emo_mm.media.containers import open_media
from claip_emo_mm.media.stream import FileStream
from claip_emo_mm.structures import EmotionResult

STAGES = ('frames', 'faces', 'audio', 'transforms', 'model')


class Clock:
    """Adds up the seconds of each stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def time(self, stage: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.seconds[stage] += time.perf_counter() - began

    def around(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed."""
        def timed(*args: Any) -> Any:
            with self.time(stage):
                return function(*args)
        return timed

    def each(self, stage: str, items: Iterator[Any]) -> Iterator[Any]:
        """The items, with the time that making them takes."""
        following = self.around(stage, partial(next, items, None))
        while (item := following()) is not None:
            yield item


class TimedFile(FileStream):
    """A file whose decoding is timed."""

    def __init__(self, path: str, clock: Clock) -> None:
        super().__init__(path)
        self._clock = clock

    def frames(self) -> Iterator[tuple[float, Callable[[], np.ndarray]]]:
        for time_s, frame in self._clock.each('frames', super().frames()):
            yield time_s, self._clock.around('frames', frame)

    def audio(self) -> Iterator[tuple[float, np.ndarray, int]]:
        return self._clock.each('audio', super().audio())


class TimedDetector:
    """A face detector that is timed."""

    def __init__(self, detector: FaceDetector, clock: Clock) -> None:
        self.find = clock.around('faces', detector.find)


class _NoDetector:
    """Stands in where no faces are searched for."""

    def find(self, frame: np.ndarray) -> list[FaceBox]:
        return []


class TimedInferencer(EmotionInferencer):
    """An inferencer whose transforms and model are timed; see `EmotionInferencer`."""

    def __init__(self, checkpoint: str, device: str, cfg_options: dict[str, Any] | None,
                 detector: FaceDetector, fast: bool = False) -> None:
        self.clock = Clock()
        super().__init__(checkpoint, device, cfg_options, TimedDetector(detector, self.clock), fast)
        self.pipeline = self.clock.around('transforms', self.pipeline)

    def forward(self, inputs: dict[str, Any], **kwargs: Any) -> Any:
        with self.clock.time('model'):
            output = super().forward(inputs, **kwargs)
            synchronize(self.model.data_preprocessor.device)
        return output


def infer_plainly(infer: TimedInferencer, path: str, face: str, windows: Sequence[tuple[float, float]],
                  detector: FaceDetector) -> tuple[Clock, list[list[float]]]:
    """Score windows as a script for clips does: each one decoded, searched and encoded on its own.

    The model is shown as many frames a second as the inferencer shows it, whatever the video's rate.

    Args:
        infer: whose model and transforms are used.
        path: video with images.
        face: 'largest' or 'none'.
        windows: from and to, in s.
        detector: finds faces, in every frame.
    Returns: the seconds of each stage, and the scores of each window.
    """
    clock, scores = Clock(), []
    transforms, find = clock.around('transforms', infer.pipeline), clock.around('faces', detector.find)
    for start_s, end_s in windows:
        with clock.time('frames'):
            times_s, frames = _read(path, 'video', start_s, end_s)
        with clock.time('audio'):
            samples, rate_hz = _read_audio(path, start_s, end_s)
        if face != 'none':
            frames = _crop(frames, [find(frame) for frame in frames])
        ticks_s = np.arange(round(start_s * TICKS_HZ), round(end_s * TICKS_HZ)) / TICKS_HZ + 1e-3
        shown = np.maximum(np.searchsorted(times_s, ticks_s, side='right') - 1, 0)
        clip = WindowClip(path, [frames[place] for place in shown], samples, rate_hz, end_s - start_s)
        packed = transforms(dict(clip=clip))
        with clock.time('model'), torch.no_grad():
            predicted = infer.model.test_step(pseudo_collate([packed]))
            synchronize(infer.model.data_preprocessor.device)
        scores.append(predicted[0].pred_score.tolist())
    return clock, scores


def _read(path: str, kind: str, start_s: float, end_s: float) -> tuple[list[float], list[np.ndarray]]:
    """Decode a section of a stream, from what is current at its start: times in s, frames or chunks of audio."""
    frames: list[Any] = []
    with open_media(path) as container:
        stream = container.streams.best(kind)
        if stream is None:
            return [], []
        container.seek(int(start_s / stream.time_base), stream=stream)
        for frame in container.decode(stream):
            if frame.time >= end_s:
                break
            if frame.time <= start_s:
                frames.clear()
            frames.append(frame)
    to_float = av.AudioResampler(format='flt')  # PyAV 18 crashes on the planes of more than 7 channels
    return [frame.time for frame in frames], [
        frame.to_ndarray(format='rgb24') if kind == 'video'
        else to_float.resample(frame)[0].to_ndarray().reshape(-1, frame.layout.nb_channels).T for frame in frames]


def _read_audio(path: str, start_s: float, end_s: float) -> tuple[np.ndarray | None, int]:
    """Decode a section of the audio: mono samples, None without any, and their rate in Hz."""
    times_s, chunks = _read(path, 'audio', start_s, end_s)
    if not chunks:
        return None, 0
    with open_media(path) as container:
        rate_hz = container.streams.best('audio').rate
    first = round((start_s - times_s[0]) * rate_hz)
    samples = np.concatenate(chunks, axis=1).mean(axis=0)
    return samples[max(first, 0):first + round((end_s - start_s) * rate_hz)], rate_hz


def _crop(frames: list[np.ndarray], found: list[list[FaceBox]]) -> list[np.ndarray]:
    squares = follow_face(found)
    if squares is None:
        return frames
    return [crop_face(frame, square) for frame, square in zip(frames, squares, strict=True)]


_REST, _RESULTS, _OVERLAY = 'following, cutting out, the rest', 'json, csv and plot', 'video with boxes'


@dataclass
class InferenceMeasurement:
    """Measurements of inference.

    Args:
        length_s: of the video.
        seconds: ``'plain'`` or ``'ours'`` -> stage -> seconds in each round; a stage may be ours alone.
    """
    length_s: float
    seconds: dict[str, dict[str, list[float]]] = field(default_factory=lambda: dict(plain={}, ours={}))

    def add(self, who: str, stage: str, seconds: float) -> None:
        self.seconds[who].setdefault(stage, []).append(seconds)

    def table(self) -> str:
        """Medians, how they compare, and multiples of real time."""
        lines = [f'{"seconds":<34}{"plain":>10}{"ours":>10}']
        for stage in (*STAGES, _REST):
            lines.append(self._line(stage, *(self._median(who, stage) for who in ('plain', 'ours'))))
        totals = [sum(self._median(who, stage) for stage in (*STAGES, _REST)) for who in ('plain', 'ours')]
        lines.append(self._line('total', *totals))
        rates = [f'{self.length_s / total:.2f}' if total else '-' for total in totals]  # '-': not measured
        lines.append(f'{"  times real time":<34}{rates[0]:>10}{rates[1]:>10}')
        for stage in (_RESULTS, _OVERLAY):
            lines.append(f'{stage:<34}{"":>10}{self._median("ours", stage):>10.2f}')
        return '\n'.join(lines)

    def _median(self, who: str, stage: str) -> float:
        return statistics.median(self.seconds[who].get(stage, [0.]))

    @staticmethod
    def _line(stage: str, plain: float, ours: float) -> str:
        ratio = f'  ({plain / ours:.2f}x)' if min(plain, ours) > .005 else ''
        return f'{stage:<34}{plain:>10.2f}{ours:>10.2f}{ratio}'


def benchmark_inference(video: str, checkpoint: str, face: str = 'largest', rounds: int = 2, device: str = 'cpu',
                        num_threads: int = 2, cfg_options: Mapping[str, Any] | None = None,
                        plain: bool = True, fast: bool = False) -> InferenceMeasurement:
    """Score a video once a round in each way, in one process.

    Args:
        video: file with images.
        checkpoint: of the model.
        face: 'largest' or 'none'.
        rounds: rounds that count; the first windows are scored once before.
        device: where to compute.
        num_threads: threads on a CPU.
        cfg_options: changes to the checkpoint's config.
        plain: whether to measure the plain one.
        fast: whether ours has the options of `speed_up`; the plain one has none.
    """
    prepare(num_threads, cv2_threads=num_threads)
    detector = default_detector() if face != 'none' else _NoDetector()
    infer = TimedInferencer(checkpoint, device, dict(cfg_options or {}), detector, fast)
    exact = TimedInferencer(checkpoint, device, dict(cfg_options or {}), detector) if fast and plain else infer
    result = infer.infer(video, face=face)  # the first pass is slower
    windows = [(row.from_s, row.to_s) for row in result.rows]
    metrics = InferenceMeasurement(result.duration_s)
    with tqdm(total=(1 + plain) * rounds, unit='pass', mininterval=.5) as bar:
        for _, who in alternating(('ours', 'plain') if plain else ('ours',), rounds):
            bar.set_description(who)
            began = time.perf_counter()
            if who == 'plain':
                seconds = infer_plainly(exact, video, face, windows, detector)[0].seconds
            else:
                infer.clock.seconds.clear()
                infer.infer(TimedFile(video, infer.clock), face=face)
                seconds = infer.clock.seconds
            total = time.perf_counter() - began
            for stage in STAGES:
                metrics.add(who, stage, seconds[stage])
            metrics.add(who, _REST, total - sum(seconds[stage] for stage in STAGES))
            bar.update()
    for _ in range(rounds):
        _measure_writing(metrics, Path(video), Path(checkpoint), result)
    return metrics


def _measure_writing(metrics: InferenceMeasurement, video: Path, checkpoint: Path, result: EmotionResult) -> None:
    spent = {}
    for overlay in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            results = ResultWriter(Path(folder), [video], checkpoint, {}, overlay)
            began = time.perf_counter()
            results.write(video, result)
            spent[overlay] = time.perf_counter() - began
    metrics.add('ours', _RESULTS, spent[False])
    metrics.add('ours', _OVERLAY, spent[True] - spent[False])


def write_random_checkpoint(cfg: Config, path: Path) -> None:
    """Write a checkpoint of a config's model with random weights, so that nothing has to be downloaded."""
    cfg = cfg.copy()
    cfg.merge_from_dict({f'model.{name}.pretrained': None for name in ('visual_backbone', 'audio_backbone')
                         if cfg.model.get(name)})
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmaction'):
        model = MODELS.build(cfg.model)
    classes = [f'class {number}' for number in range(cfg.model.cls_head.num_classes)]
    torch.save(dict(state_dict=model.state_dict(), meta={META_KEY: make_metadata(cfg, classes, model, {})}), path)
