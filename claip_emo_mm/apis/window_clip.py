"""Windows as clips for the test pipeline, and the shared frames of overlapping windows."""
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from claip_emo_mm.errors import InputError
from claip_emo_mm.structures import MISSING_INDEX


class WindowClip:
    """A `ClipReader` of a window's N frames (H, W, 3) uint8 RGB, evenly spaced in time, and (n,) float32 samples."""

    def __init__(self, path: str, frames: Sequence[np.ndarray], samples: np.ndarray | None, sample_rate_hz: int,
                 duration_s: float, audio_note: str = '') -> None:
        self.path = path
        self.duration_s = duration_s
        self.audio_note = audio_note
        self.has_frames = len(frames) > 0
        self.has_audio = samples is not None and len(samples) > 0
        self.num_frames = max(len(frames), 1)
        self._frames, self._samples, self._sample_rate_hz = frames, samples, sample_rate_hz

    def decode(self, indices: np.ndarray) -> Sequence[np.ndarray]:
        if not self.has_frames:
            raise InputError(f'{self.path}: no frames in this window.')
        chosen = [self._frames[index] for index in indices]
        return np.stack(chosen) if len({frame.shape for frame in chosen}) == 1 else chosen

    def audio(self) -> tuple[np.ndarray, int]:
        if not self.has_audio:
            raise InputError(f'{self.path}: no audio in this window.')
        return self._samples, self._sample_rate_hz


def number_frames(clips: Sequence[Tensor]) -> list[int]:
    """Number the frames of clips (U, 3, H, W) uint8 consecutively; equal ones get the number of the first."""
    numbers: dict[bytes, int] = {}
    return [numbers.setdefault(frame.numpy().tobytes(), place)
            for place, frame in enumerate(frame for clip in clips for frame in clip)]


def dedup_frames(inputs: dict[str, Tensor], numbers: Sequence[int]) -> dict[str, Tensor]:
    """Keep one of equal frames (U, 3, H, W) of a batch, so that it is encoded once; numbers as of `number_frames`."""
    frames, index = inputs['frames'], inputs['frame_index']
    kept, places = torch.tensor(numbers, device=frames.device).unique(return_inverse=True)  # places: (U,)
    if len(kept) == len(frames):
        return inputs
    return dict(inputs, frames=frames[kept], frame_index=torch.where(index == MISSING_INDEX, index, places[index]))
