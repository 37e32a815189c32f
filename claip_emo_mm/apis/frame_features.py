"""Features of frames that overlapping windows share, each computed once."""
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

from claip_emo_mm.models import AudioVisualRecognizer
from claip_emo_mm.models.data_preprocessor import near_frames


class FrameFeatures:
    """Encodes the frames of windows; what the windows of the last call show already is not encoded again.

    Args:
        encode: frames (U, 3, H, W) uint8 -> features (U, D).
        tolerance: see `AudioVisualDataPreprocessor`; 0 for equal frames alone.
    """

    def __init__(self, encode: Callable[[Tensor], Tensor], tolerance: float = 0.) -> None:
        self._encode, self._tolerance = encode, tolerance
        self._known: dict[bytes, Tensor] = {}  # content of a frame -> its feature (D,)
        self._last: tuple[Tensor, Tensor] | None = None  # the last frame that was encoded, and its feature

    @classmethod
    def of(cls, model: nn.Module) -> 'FrameFeatures | None':
        """Those of a model; None for one that does not read single frames."""
        if not isinstance(model, AudioVisualRecognizer) or not model.reads_frames:
            return None
        preprocessor = model.data_preprocessor

        def encode(frames: Tensor) -> Tensor:
            return model.encode_frames(preprocessor.normalize(frames.to(preprocessor.device).float()))

        return cls(encode, preprocessor.frame_tolerance)

    def replace(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Replace the frames of packed windows (`inputs` and `data_samples` in lists) by their features."""
        frames = inputs['inputs'].get('frames')
        if not frames or not any(len(clip) for clip in frames if clip is not None):
            return inputs
        features = iter(self([clip for clip in frames if clip is not None]))
        shown = [None if clip is None else next(features) for clip in frames]
        return dict(inputs, inputs=dict(inputs['inputs'], frames=shown))

    def __call__(self, clips: Sequence[Tensor]) -> list[Tensor]:
        """Encode the frames (U, 3, H, W) uint8 of windows, by time, to features (U, D) each; some have frames."""
        keys = [[frame.numpy().tobytes() for frame in clip] for clip in clips]
        new: dict[bytes, Tensor] = {}
        for key, frame in zip(chain(*keys), chain(*clips), strict=True):
            if key not in self._known:
                new.setdefault(key, frame)
        if new:
            self._known.update(zip(new, self._features(list(new.values())), strict=True))
        self._known = {key: self._known[key] for key in chain(*keys)}
        like = next(iter(self._known.values()))
        return [torch.stack([self._known[key] for key in each]) if each else like.new_zeros(0, *like.shape)
                for each in keys]

    def _features(self, frames: list[Tensor]) -> list[Tensor]:
        if not self._tolerance:
            return list(self._encode(torch.stack(frames)))
        before, feature = self._last or (None, None)
        kept, places = near_frames(frames, self._tolerance, before)
        if not kept:
            return [feature] * len(frames)
        encoded = list(self._encode(torch.stack([frames[number] for number in kept])))
        self._last = frames[kept[-1]], encoded[-1]
        return [feature if place < 0 else encoded[place] for place in places]
