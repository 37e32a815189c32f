"""Batching, normalization and mixing of packed samples."""
from collections.abc import Sequence
from itertools import accumulate
from numbers import Real

import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.model import BaseDataPreprocessor
from torch import Tensor

from claip_emo_mm.errors import InputError
from claip_emo_mm.models.mixup import AudioVisualMixup, ExpandedViews
from claip_emo_mm.structures import MISSING_INDEX, is_skipped

# ImageNet's, also for CLIP (reference recipe), in MMAction2's units: brightness 0..255, RGB
_MEAN = (123.675, 116.28, 103.53)
_STD = (58.395, 57.12, 57.375)
_INDEX_KEYS = dict(frames='frame_index', mel='audio_index')


@MODELS.register_module()
class AudioVisualDataPreprocessor(BaseDataPreprocessor):
    """Batch packed samples: uint8 frames are copied to the device and normalized there.

    Args:
        mean: Mean of each color, 0..255; None for each frame's own, over its pixels and colors.
        std: Standard deviation of each color; None for each frame's own.
        non_blocking: Copy to a GPU without waiting, from pinned memory (`pin_memory=True` of the data loader).
        frame_tolerance: In tests, a frame of a clip is not encoded where its pixels differ from those of the last one
            that is by less than this, 0..255, on average; it has that one's feature: faster, with other scores.
        blending: Fields of ``AudioVisualMixup``, for mixup and cutmix in training; None mixes nothing.
    """

    def __init__(self, mean: Sequence[float] | None = _MEAN, std: Sequence[float] | None = _STD,
                 non_blocking: bool = True, frame_tolerance: float = 0., blending: dict | None = None) -> None:
        super().__init__(non_blocking=non_blocking)
        check_brightness(self, frame_tolerance=frame_tolerance)
        self.frame_tolerance = frame_tolerance
        self.blending = None if blending is None else AudioVisualMixup(**blending)
        self.register_buffer('mean', None if mean is None else torch.tensor(mean).view(-1, 1, 1), persistent=False)
        self.register_buffer('std', None if std is None else torch.tensor(std).view(-1, 1, 1), persistent=False)

    def forward(self, data: dict, training: bool = False) -> dict:
        """Batch what `pseudo_collate` made of B packed samples.

        Args:
            data: `inputs`, a dict of lists of B tensors as `PackAudioVisualInputs` names them, and `data_samples`, a
                list. A modality may be missing. The tensors of a clip that could not be read are None; the batch holds
                the other clips. A clip that lacks a modality has no frames or no mel, and the index -1.
            training: Whether to mix the clips, where `blending` is given. Every view then has its own frames and audio:
                U = B*V*T, A = B*V; and `gt_label` is a soft label (K,). A modality that one of two clips lacks is not
                mixed.
        Returns: `inputs`, with `frames` (U, 3, H, W) float32, normalized, and `frame_index` (B, V, T) into them
            (features of frames, (U, D) or (U, N, D), stay as they are);
            `mel` (A, 1, M, F) and `audio_index` (B, V) into it; and `data_samples`, on the device.
        """
        loaded, data = data, self.cast_data(data)
        inputs = {key: [value for value in values if value is not None] for key, values in data['inputs'].items()}
        batch = {}
        if self.frame_tolerance and not training and inputs.get('frames'):
            inputs['frames'], inputs['frame_index'] = zip(*map(
                self._merge_frames, inputs['frames'], inputs['frame_index']), strict=True)
        for key, index_key in _INDEX_KEYS.items():
            if inputs.get(key):  # else not one clip of the batch could be read
                batch[key], batch[index_key] = join_clips(key, inputs[key], index_key, inputs[index_key])
        if 'frames' in batch:
            frames = batch['frames'].float()
            is_image = frames.ndim == 4 and len(frames)  # else features from a cache, or nothing
            batch['frames'] = self.normalize(frames) if is_image else frames
        if training and self.blending is not None and batch:
            self._mix(batch, [sample for sample in data['data_samples'] if not is_skipped(sample)], loaded)
        return dict(data, inputs=batch)

    def _merge_frames(self, frames: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
        """Drop those frames (U, 3, H, W) of a clip that are near the one before that stays."""
        if frames.ndim != 4 or not len(frames):
            return frames, index
        kept, places = near_frames(frames, self.frame_tolerance)
        places = torch.tensor(places, device=index.device)
        return frames[kept], torch.where(index == MISSING_INDEX, index, places[index])

    def _mix(self, batch: dict[str, Tensor], data_samples: list[ActionDataSample], loaded: dict) -> None:
        """Mix the clips of a batch in place; what decides is read as it was `loaded`, without waiting for a GPU."""
        labels = [sample.gt_label.cpu() for sample in loaded['data_samples'] if not is_skipped(sample)]
        labels = torch.stack(labels) if labels[0].is_floating_point() else torch.cat(labels)  # (B, K) or (B,)
        modalities = {key: ExpandedViews(batch[key], batch[index_key], _has_views(loaded['inputs'][index_key]))
                      for key, index_key in _INDEX_KEYS.items() if key in batch and len(batch[key])}
        mixed = self.blending(*(modalities[key].clips if key in modalities else None for key in _INDEX_KEYS), labels)
        for key, views in modalities.items():
            batch[key], batch[_INDEX_KEYS[key]] = views.join()
        shared = torch.stack([views.shared for views in modalities.values()]).any(0)  # (B,)
        mixed = torch.where(shared[:, None], mixed, self.blending.unmixed(labels)).to(self.device, non_blocking=True)
        for sample, label in zip(data_samples, mixed, strict=True):
            sample.set_gt_label(label)

    def normalize(self, frames: Tensor) -> Tensor:
        """Normalize frames (U, 3, H, W), float32 of brightness 0..255, in place."""
        mean = frames.mean((1, 2, 3), keepdim=True) if self.mean is None else self.mean
        std = frames.std((1, 2, 3), keepdim=True).clamp_(min=1) if self.std is None else self.std
        return frames.sub_(mean).div_(std)


def near_frames(frames: Sequence[Tensor], tolerance: float,
                before: Tensor | None = None) -> tuple[list[int], list[int]]:
    """Find the frames that stay, each farther from the last one that stays than the tolerance.

    Args:
        frames: (3, H, W) uint8 each.
        tolerance: mean absolute difference of two frames that is too large, 0..255.
        before: a frame before the first; None for none.
    Returns: numbers of those that stay; and for each frame the place among them of the one that stands for it, -1 for
        `before`.
    """
    kept: list[int] = []
    places: list[int] = []
    for number, frame in enumerate(frames):
        last = frames[kept[-1]] if kept else before
        if last is None or last.shape != frame.shape or (frame.float() - last).abs().mean() >= tolerance:
            kept.append(number)
        places.append(len(kept) - 1)
    return kept, places


def check_brightness(owner: object, **numbers: float) -> None:
    """Raise an `InputError` where an option of a component is no number from 0 to 255."""
    for option, number in numbers.items():
        if not isinstance(number, Real) or isinstance(number, bool) or not 0 <= number <= 255:
            raise InputError(f'{type(owner).__name__}: {option} is {number!r}. Expected a difference of brightness, '
                             '0 to 255.')


def _has_views(indices: list[Tensor | None]) -> Tensor:
    """Whether each readable clip has a modality, (B,) on the CPU, from the indices of its views."""
    return torch.stack([index.flatten()[0].cpu() != MISSING_INDEX for index in indices if index is not None])


def join_clips(key: str, values: list[Tensor], index_key: str, indices: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Concatenate the frames or the audio of the clips, and shift their indices."""
    for name, tensors, dim in ((key, values, 1), (index_key, indices, 0)):
        shapes = {tuple(tensor.shape[dim:]) for tensor in tensors}
        if len(shapes) > 1:
            raise InputError(f'AudioVisualDataPreprocessor: {name} of the clips in a batch have different shapes: '
                             f'{" and ".join(map(str, sorted(shapes)))}. All clips need the same size of frames and '
                             'spectrograms, and the same number of views (ResizeFrames, LogMel, SampleFrameViews).')
    starts = accumulate((len(value) for value in values[:-1]), initial=0)
    index = torch.stack([index.where(index == MISSING_INDEX, index + start)
                         for index, start in zip(indices, starts, strict=True)])
    return torch.cat(values), index
