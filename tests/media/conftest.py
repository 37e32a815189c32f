"""Videos whose frames show their numbers, as eight black or white fields: lossy codecs leave them readable."""
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from rotation import rotate

NUM_FRAMES = 36


def sample_number(number: int, height: int, width: int) -> np.ndarray:
    bits = np.array([20 + 215 * (number >> place & 1) for place in range(8)], np.uint8).reshape(2, 4)
    return np.repeat(np.kron(bits, np.ones((height // 2, width // 4), np.uint8))[..., None], 3, axis=2)


@pytest.fixture
def read_number() -> Callable[[np.ndarray], int]:
    """The number that an image (H, W, 3) shows, by the middles of its fields."""
    def read(image: np.ndarray) -> int:
        height, width = image.shape[:2]
        fields = image.reshape(2, height // 2, 4, width // 4, 3)
        middles = fields[:, height // 8:-height // 8, :, width // 16:-width // 16].mean(axis=(1, 3, 4))
        return int((middles.reshape(8) > 128) @ (1 << np.arange(8)))
    return read


@pytest.fixture
def write_numbers() -> Callable[..., Path]:
    """Write a video of 25 frames a second, or of irregular times, that counts from 0."""
    def write(path: Path, encoder: str, options: dict[str, str] | None = None, *, pixels: str = 'yuv420p',
              size: tuple[int, int] = (64, 96), num_frames: int = NUM_FRAMES, irregular: bool = False,
              tag: str | None = None, audio_from_s: float | None = None, turned: int = 0,
              **container_options: Any) -> Path:
        height, width = size
        with av.open(str(path), 'w', **container_options) as container:
            video = container.add_stream(encoder, rate=25)
            video.width, video.height, video.pix_fmt = width, height, pixels
            video.options = {'threads': '1', **(options or {})}
            if tag:
                video.codec_context.codec_tag = tag
            if irregular:
                video.codec_context.time_base = Fraction(1, 1000)
            if turned:
                rotate(video, turned)
            audio = None if audio_from_s is None else container.add_stream('aac', rate=16000, layout='mono')
            time = 0
            for number in range(num_frames):
                frame = av.VideoFrame.from_ndarray(sample_number(number, height, width), format='rgb24')
                if irregular:
                    frame.pts, frame.time_base = time, Fraction(1, 1000)
                    time += (20, 40, 100, 33)[number % 4]
                container.mux(video.encode(frame))
            container.mux(video.encode())
            if audio:
                tone = (8000 * np.sin(np.arange(640 * num_frames) / 9)).astype(np.int16)
                frame = av.AudioFrame.from_ndarray(tone[None], format='s16', layout='mono')
                frame.sample_rate, frame.pts = 16000, round(16000 * audio_from_s)
                container.mux([*audio.encode(frame), *audio.encode()])
        return path
    return write
