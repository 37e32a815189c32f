"""The inferencer with a clock in every part of it, and a plain one beside it."""
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import av
import numpy as np
import torch
from mmengine.dataset import pseudo_collate

from claip_emo_mm.apis import EmotionInferencer, FaceBox, FaceFinder
from claip_emo_mm.apis.media_source import FileSource
from claip_emo_mm.apis.sliding_windows import TICKS_HZ
from claip_emo_mm.apis.window_clip import WindowClip
from claip_emo_mm.data_preparation.face_crop import crop_face
from claip_emo_mm.data_preparation.face_track import follow_face
from claip_emo_mm.media import open_media

PARTS = ('pictures', 'faces', 'sound', 'transforms', 'model')


class Clock:
    """Adds up the seconds of each part."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def time(self, part: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.seconds[part] += time.perf_counter() - began

    def around(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed."""
        def timed(*args: Any) -> Any:
            with self.time(part):
                return function(*args)
        return timed

    def each(self, part: str, items: Iterator[Any]) -> Iterator[Any]:
        """The items, with the time that making them takes."""
        following = self.around(part, partial(next, items, None))
        while (item := following()) is not None:
            yield item


class TimedFile(FileSource):
    """A file whose decoding is timed."""

    def __init__(self, path: str, clock: Clock) -> None:
        super().__init__(path)
        self._clock = clock

    def frames(self) -> Iterator[tuple[float, Callable[[], np.ndarray]]]:
        for time_s, picture in self._clock.each('pictures', super().frames()):
            yield time_s, self._clock.around('pictures', picture)

    def sound(self) -> Iterator[tuple[float, np.ndarray, int]]:
        return self._clock.each('sound', super().sound())


class TimedFinder:
    """A finder that is timed."""

    def __init__(self, finder: FaceFinder, clock: Clock) -> None:
        self.find = clock.around('faces', finder.find)


class TimedInferencer(EmotionInferencer):
    """An inferencer whose transforms and model are timed; see `EmotionInferencer`."""

    def __init__(self, checkpoint: str, device: str, cfg_options: dict[str, Any] | None, finder: FaceFinder) -> None:
        self.clock = Clock()
        super().__init__(checkpoint, device, cfg_options, TimedFinder(finder, self.clock))
        self.pipeline = self.clock.around('transforms', self.pipeline)

    def forward(self, inputs: dict[str, Any], **kwargs: Any) -> Any:
        with self.clock.time('model'):
            return super().forward(inputs, **kwargs)


def infer_plainly(infer: TimedInferencer, path: str, face: str, windows: Sequence[tuple[float, float]],
                  finder: FaceFinder) -> tuple[Clock, list[list[float]]]:
    """Judge windows as a script does that was written for clips: each one decoded, searched and encoded on its own.

    The model is shown as many pictures a second as the inferencer shows it, whatever the video's rate.

    Args:
        infer: whose model and transforms are used.
        path: video with picture.
        face: 'largest' or 'none'.
        windows: from and to, in s.
        finder: finds faces, in every picture.
    Returns: the seconds of each part, and the scores of each window.
    """
    clock, scores = Clock(), []
    transforms, find = clock.around('transforms', infer.pipeline), clock.around('faces', finder.find)
    for start_s, end_s in windows:
        with clock.time('pictures'):
            times_s, frames = _read(path, 'video', start_s, end_s)
        with clock.time('sound'):
            samples, rate_hz = _read_sound(path, start_s, end_s)
        if face != 'none':
            frames = _crop(frames, [find(frame) for frame in frames])
        ticks_s = np.arange(round(start_s * TICKS_HZ), round(end_s * TICKS_HZ)) / TICKS_HZ + 1e-3
        shown = np.maximum(np.searchsorted(times_s, ticks_s, side='right') - 1, 0)
        clip = WindowClip(path, [frames[place] for place in shown], samples, rate_hz, end_s - start_s)
        packed = transforms(dict(clip=clip))
        with clock.time('model'), torch.no_grad():
            judged = infer.model.test_step(pseudo_collate([packed]))
        scores.append(judged[0].pred_score.tolist())
    return clock, scores


def _read(path: str, kind: str, start_s: float, end_s: float) -> tuple[list[float], list[np.ndarray]]:
    """Decode a part of a stream, from what is shown or heard at its start: times in s, pictures or chunks of sound."""
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


def _read_sound(path: str, start_s: float, end_s: float) -> tuple[np.ndarray | None, int]:
    """Decode a part of the sound: mono samples, None without any, and their rate in Hz."""
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
