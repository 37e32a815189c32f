"""Mixup and cutmix of the clips of a batch, with one label for frames and audio."""
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from claip_emo_mm.errors import InputError, check_ratio
from claip_emo_mm.structures import MISSING_INDEX

Box = tuple[int, int, int, int]  # rows from, to, columns from, to


@dataclass(frozen=True)
class AudioVisualMixup:
    """Mix every clip of a batch with one other: mixup (arXiv 1710.09412) or cutmix (arXiv 1905.04899).

    As ``timm.data.mixup.Mixup`` in its batch mode: the weight is sampled once for the batch, the first clip is mixed
    with the last, the second with the last but one and so on. The defaults are the reference recipe's. Numbers are
    sampled from NumPy.

    Args:
        num_classes: Classes K of the labels.
        mixup_alpha: Parameter of mixup's Beta distribution; 0 for no mixup.
        cutmix_alpha: Parameter of cutmix's Beta distribution; 0 for no cutmix.
        prob: Ratio of the batches that are mixed.
        switch_prob: Ratio of cutmix among these, where both are on.
        label_smoothing: Label smoothing, of all batches.
        independent: Do exactly what the reference recipe does: sample for the audio anew, while the label follows the
            frames, and cut boxes as timm did at the time, whose sides are an even number of pixels. Otherwise frames
            and audio are mixed in the same way and with the same weight, in the boxes of today's timm.
    """

    num_classes: int
    mixup_alpha: float = 0.8
    cutmix_alpha: float = 1.0
    prob: float = 1.0
    switch_prob: float = 0.5
    label_smoothing: float = 0.1
    independent: bool = False

    def __post_init__(self) -> None:
        check_ratio('blending', prob=self.prob, switch_prob=self.switch_prob, label_smoothing=self.label_smoothing)
        if min(self.mixup_alpha, self.cutmix_alpha) < 0 or self.mixup_alpha == self.cutmix_alpha == 0:
            raise InputError(f'blending: mixup_alpha is {self.mixup_alpha} and cutmix_alpha {self.cutmix_alpha}. '
                             'Expected two numbers from 0, one above 0; blending=None mixes nothing.')
        if not isinstance(self.num_classes, int) or self.num_classes < 1:
            raise InputError(f'blending: num_classes is {self.num_classes}. Set it to num_classes of the head.')

    def __call__(self, frames: Tensor | None, mel: Tensor | None, labels: Tensor) -> Tensor:
        """Mix frames (B, ..., H, W) and mel (B, ..., M, F) in place; labels (B,) or soft (B, K) become soft (B, K)."""
        if labels.ndim == 2 and labels.shape[1] != self.num_classes:
            raise InputError(f'blending: num_classes is {self.num_classes}, but soft labels have {labels.shape[1]}. '
                             'Set model.data_preprocessor.blending.num_classes to that of the data set.')
        if labels.ndim == 1 and len(labels) and labels.max() >= self.num_classes:
            raise InputError(f'blending: num_classes is {self.num_classes}, but a clip has the label {labels.max()}. '
                             'Set model.data_preprocessor.blending.num_classes to that of the data set.')
        first, second = (mel, None) if frames is None else (frames, mel)
        cut, weight = self._sample()
        weight = self._mix_alone(first, cut, weight)
        if second is not None:
            if self.independent:
                self._mix_alone(second, *self._sample())
            elif weight < 1:
                mix_clips(second, weight, inside_box(second.shape, weight) if cut else None)
        return self._target(labels, weight)

    def unmixed(self, labels: Tensor) -> Tensor:
        """The soft labels (B, K) of clips with labels (B,) or (B, K) that are not mixed."""
        return self._target(labels, 1.)

    def _target(self, labels: Tensor, weight: float) -> Tensor:
        if labels.ndim == 1:
            from timm.data.mixup import mixup_target  # with all of timm
            return mixup_target(labels, self.num_classes, weight, self.label_smoothing)
        smooth = (1 - self.label_smoothing) * labels + self.label_smoothing / self.num_classes
        return weight * smooth + (1 - weight) * smooth.flip(0)

    def _mix_alone(self, clips: Tensor, cut: bool, weight: float) -> float:
        """Mix clips in a box of their own, where they are cut; return the weight of a clip itself after that."""
        box = None
        if cut and weight < 1:
            from timm.data.mixup import cutmix_bbox_and_lam
            box, weight = (even_box if self.independent else cutmix_bbox_and_lam)(tuple(clips.shape), weight)
        mix_clips(clips, float(weight), box)
        return float(weight)

    def _sample(self) -> tuple[bool, float]:
        """Sample whether to cut, and the weight of a clip itself beside its partner."""
        if np.random.rand() >= self.prob:
            return False, 1.
        cut = self.cutmix_alpha > 0 and (self.mixup_alpha == 0 or np.random.rand() < self.switch_prob)
        alpha = self.cutmix_alpha if cut else self.mixup_alpha
        return cut, float(np.random.beta(alpha, alpha))


def mix_clips(clips: Tensor, weight: float, box: Box | None = None) -> None:
    """Mix clips (B, ..., height, width) with those in reverse order, in place: by weight, or the box of the other."""
    if weight == 1:
        return
    if box is None:
        partners = clips.flip(0).mul_(1 - weight)
        clips.mul_(weight).add_(partners)
    else:
        rows, columns = slice(*box[:2]), slice(*box[2:])
        clips[..., rows, columns] = clips.flip(0)[..., rows, columns]


def even_box(shape: tuple[int, ...], weight: float) -> tuple[Box, float]:
    """Sample a box in (..., height, width) as older timm did, and return it with the ratio that it leaves uncovered."""
    height, width = shape[-2:]
    halves = [int(length * np.sqrt(1 - weight)) // 2 for length in (height, width)]
    centers = [int(np.random.randint(length)) for length in (height, width)]
    top, left = (max(center - half, 0) for center, half in zip(centers, halves, strict=True))
    bottom, right = min(centers[0] + halves[0], height), min(centers[1] + halves[1], width)
    return (top, bottom, left, right), 1 - (bottom - top) * (right - left) / (height * width)


def inside_box(shape: tuple[int, ...], weight: float) -> Box:
    """Sample a box inside (..., height, width) that leaves a ratio of `weight` uncovered, but for rounding."""
    sizes = [round(length * (1 - weight) ** 0.5) for length in shape[-2:]]
    starts = [np.random.randint(length - size + 1) for length, size in zip(shape[-2:], sizes, strict=True)]
    return starts[0], starts[0] + sizes[0], starts[1], starts[1] + sizes[1]


class ExpandedViews:
    """Frames or spectrograms (n, ...) expanded by an index (B, V, T) or (B, V) into them, to be mixed in place.

    `present` (B,), on the CPU, says which clips have the modality: where all have it, nothing waits for a GPU.
    """

    def __init__(self, distinct: Tensor, index: Tensor, present: Tensor) -> None:
        self.index = index
        self.clips = distinct[index.flatten()].unflatten(0, (len(index), -1))  # (B, V*T, ...)
        self.present = present
        self.shared = present & present.flip(0)  # (B,), whether the partner has the modality, too
        self._complete = bool(present.all())
        self._unmixed = None if self._complete else self.clips[~self.shared]

    def join(self) -> tuple[Tensor, Tensor]:
        """Return `distinct` and `index` of the mixed clips; those whose partner lacks the modality are as before."""
        if self._complete:
            index = torch.arange(self.index.numel(), device=self.index.device).view_as(self.index)
            return self.clips.flatten(0, 1), index
        self.clips[~self.shared] = self._unmixed
        distinct = self.clips[self.present].flatten(0, 1)
        index = torch.full_like(self.index, MISSING_INDEX)
        index[self.present] = torch.arange(len(distinct), device=index.device).view(-1, *index.shape[1:])
        return distinct, index
