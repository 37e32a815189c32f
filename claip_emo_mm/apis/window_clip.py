"""A window of a video as a clip that the pipeline reads."""
from collections.abc import Sequence

import numpy as np

from claip_emo_mm.errors import InputError


class WindowClip:
    """Pictures and sound of a window; see `claip_emo_mm.datasets.readers.ClipReader`.

    Args:
        path: for messages.
        frames: N pictures (H, W, 3) uint8 RGB, in equal distances of time; none where there is no picture.
        samples: (n,) float32; none where there is no sound.
        sample_rate_hz: rate of the samples.
        duration_s: length of the window.
        sound_note: what is to be known of the sound; '' for nothing.
    """

    def __init__(self, path: str, frames: Sequence[np.ndarray], samples: np.ndarray | None, sample_rate_hz: int,
                 duration_s: float, sound_note: str = '') -> None:
        self.path = path
        self.duration_s = duration_s
        self.sound_note = sound_note
        self.has_frames = len(frames) > 0
        self.has_sound = samples is not None and len(samples) > 0
        self.num_frames = max(len(frames), 1)
        self._frames, self._samples, self._sample_rate_hz = frames, samples, sample_rate_hz

    def decode(self, indices: np.ndarray) -> Sequence[np.ndarray]:
        """Read frames; see `ClipReader.decode`."""
        if not self.has_frames:
            raise InputError(f'{self.path}: no picture in this window.')
        chosen = [self._frames[index] for index in indices]
        return np.stack(chosen) if len({frame.shape for frame in chosen}) == 1 else chosen

    def sound(self) -> tuple[np.ndarray, int]:
        """Read the sound; see `ClipReader.sound`."""
        if not self.has_sound:
            raise InputError(f'{self.path}: no sound in this window.')
        return self._samples, self._sample_rate_hz
