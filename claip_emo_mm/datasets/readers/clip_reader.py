"""What every kind of clip offers to the transforms."""
from collections.abc import Sequence
from typing import Protocol

import numpy as np


class ClipReader(Protocol):
    """An opened clip; pictures and sound are read when asked for.

    Attributes:
        path: file or folder of the pictures, for messages.
        num_frames: number of frames, at least 1.
        duration_s: length; None where the files do not say.
        has_frames: whether `decode` has something to read.
        has_sound: whether `sound` has.
        sound_note: what is to be known of the sound, once it was read; '' for nothing.
    """

    path: str
    num_frames: int
    duration_s: float | None
    has_frames: bool
    has_sound: bool
    sound_note: str

    def decode(self, indices: np.ndarray) -> np.ndarray | Sequence[np.ndarray]:
        """Read the frames of (U,) ascending, distinct indices.

        Returns: (U, H, W, 3) uint8, RGB; a list of (H, W, 3) where their sizes differ.
        """
        ...

    def sound(self) -> tuple[np.ndarray, int]:
        """Read the whole sound, its channels mixed; see `claip_emo_mm.media.mixdown.mix_down`.

        Returns: samples (n,) float32 in -1..1, and their rate in Hz.
        """
        ...
