"""Frames that windows share: overlapping windows of a video show the same pictures."""
from collections.abc import Sequence

import torch
from torch import Tensor

from claip_emo_mm.datasets.left_out import LEFT_OUT


def number_frames(clips: Sequence[Tensor]) -> list[int]:
    """Number the frames of clips (U, 3, H, W) uint8, one after the other; equal ones get the number of the first."""
    numbers: dict[bytes, int] = {}
    return [numbers.setdefault(frame.numpy().tobytes(), place)
            for place, frame in enumerate(frame for clip in clips for frame in clip)]


def share_frames(inputs: dict[str, Tensor], numbers: Sequence[int]) -> dict[str, Tensor]:
    """Leave one of equal frames in a batch, so that the backbone encodes it once.

    Args:
        inputs: of the model, with ``frames`` (U, 3, H, W) and ``frame_index`` (B, V, T) into them.
        numbers: for each of the U frames the place of the first one that is equal.
    Returns: inputs of which the views show the same pictures.
    """
    frames, index = inputs['frames'], inputs['frame_index']
    kept, places = torch.tensor(numbers, device=frames.device).unique(return_inverse=True)  # places: (U,)
    if len(kept) == len(frames):
        return inputs
    return dict(inputs, frames=frames[kept], frame_index=torch.where(index == LEFT_OUT, index, places[index]))
