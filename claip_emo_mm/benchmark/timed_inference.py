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
from claip_emo_mm.apis.window_clip import WindowClip
from claip_emo_mm.data_preparation.face_crop import crop_face
from claip_emo_mm.data_preparation.face_track import follow_face

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
                  finder: FaceFinder) -> Clock:
    """Judge windows as a script does that was written for clips: each one decoded, searched and encoded on its own.

    Args:
        infer: whose model and transforms are used.
        path: video with picture.
        face: 'largest' or 'none'.
        windows: from and to, in s.
        finder: finds faces, in every picture.
    Returns: the seconds of each part.
    """
    clock = Clock()
    transforms, find = clock.around('transforms', infer.pipeline), clock.around('faces', finder.find)
    for start_s, end_s in windows:
        with clock.time('pictures'):
            frames = _read(path, 'video', start_s, end_s)
        with clock.time('sound'):
            chunks = _read(path, 'audio', start_s, end_s)
            samples = np.concatenate(chunks, axis=1).mean(axis=0) if chunks else None
        if face != 'none':
            frames = _crop(frames, [find(frame) for frame in frames])
        packed = transforms(dict(clip=WindowClip(path, frames, samples, _rate_hz(path), end_s - start_s)))
        with clock.time('model'), torch.no_grad():
            infer.model.test_step(pseudo_collate([packed]))
    return clock


def _read(path: str, kind: str, start_s: float, end_s: float) -> list[np.ndarray]:
    """Decode a part of a stream: pictures (H, W, 3), or chunks (channels, n) of sound."""
    found = []
    to_float = av.AudioResampler(format='fltp')
    with av.open(path) as container:
        stream = container.streams.best(kind)
        if stream is None:
            return []
        container.seek(int(start_s / stream.time_base), stream=stream)
        for frame in container.decode(stream):
            if frame.time >= end_s:
                break
            if frame.time >= start_s:
                found += ([frame.to_ndarray(format='rgb24')] if kind == 'video'
                          else [chunk.to_ndarray() for chunk in to_float.resample(frame)])
    return found


def _rate_hz(path: str) -> int:
    with av.open(path) as container:
        stream = container.streams.best('audio')
        return stream.rate if stream else 0


def _crop(frames: list[np.ndarray], found: list[list[FaceBox]]) -> list[np.ndarray]:
    squares = follow_face(found)
    if squares is None:
        return frames
    return [crop_face(frame, square) for frame, square in zip(frames, squares, strict=True)]
