"""Clips as a plain data pipeline reads them: PIL image by image, and PyAV frame by frame."""
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import av
import numpy as np
import soundfile
from PIL import Image


class PlainClip(Protocol):
    """A clip of `num_frames` frames."""

    num_frames: int

    def images(self, index: Sequence[int]) -> list[Image.Image]:
        """Read the frames of a view, repeated ones again."""
        ...

    def audio(self) -> tuple[np.ndarray, int]:
        """Read all samples (n,) float32, and their rate in Hz."""
        ...


class PlainFolder:
    """A folder of jpg files and a wav file."""

    def __init__(self, frames: Path, audio: Path) -> None:
        self._names = sorted(frames.iterdir())
        self.num_frames = len(self._names)
        self._audio = audio

    def images(self, index: Sequence[int]) -> list[Image.Image]:
        """Open each image; see `PlainClip.images`."""
        return [_load(self._names[number]) for number in index]

    def audio(self) -> tuple[np.ndarray, int]:
        """Read the wav file; see `PlainClip.audio`."""
        return soundfile.read(self._audio, dtype='float32')


class PlainVideo:
    """A video file with audio of one channel, decoded in one thread."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        with av.open(self._path) as container:
            self.num_frames = container.streams.video[0].frames

    def images(self, index: Sequence[int]) -> list[Image.Image]:
        """Decode from the beginning to the last frame wanted; see `PlainClip.images`."""
        wanted, last = set(index), max(index)
        images = {}
        with av.open(self._path) as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            for number, frame in enumerate(container.decode(stream)):
                if number in wanted:
                    images[number] = frame.to_image()
                if number == last:
                    break
        return [images[number] for number in index]

    def audio(self) -> tuple[np.ndarray, int]:
        """Decode all audio; see `PlainClip.audio`."""
        with av.open(self._path) as container:
            stream = container.streams.audio[0]
            samples = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(stream)])
            return samples, stream.rate


def _load(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert('RGB')
