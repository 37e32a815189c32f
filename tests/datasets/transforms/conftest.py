"""A clip that needs no files."""
import numpy as np
import pytest


class ClipInMemory:
    """Frame i is evenly of brightness i; the audio is what the test gives."""

    path = 'memory'
    duration_s = None

    def __init__(self, num_frames: int, samples: np.ndarray | None, sample_rate_hz: int) -> None:
        self.num_frames = num_frames
        self.has_audio = samples is not None
        self._audio = samples, sample_rate_hz

    def decode(self, indices: np.ndarray) -> np.ndarray:
        return np.full((len(indices), 6, 5, 3), np.asarray(indices)[:, None, None, None], np.uint8)

    def audio(self) -> tuple[np.ndarray, int]:
        return self._audio


@pytest.fixture
def make_sample():
    """Make what OpenAudioVisualClip gives."""
    def make(num_frames: int = 12, samples: np.ndarray | None = None, sample_rate_hz: int = 10, **more: object) -> dict:
        clip = ClipInMemory(num_frames, samples, sample_rate_hz)
        return dict(clip=clip, total_frames=num_frames, **more)
    return make
