"""Encoding in chunks, gathering the features of views, and missing modalities."""
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from claip_emo_mm.compat.distributed import without_statistics
from claip_emo_mm.errors import InputError
from claip_emo_mm.models.layers.cpu_ops import CPU_CHUNK, is_recorded


def encode_in_chunks(backbone: nn.Module, neck: nn.Module | None, inputs: Tensor, chunk_size: int | None) -> Tensor:
    """Encode inputs (n, ...) to features (max(n, 1), ...): in evaluation in chunks, in training all at once.

    On a CPU a chunk has at most `CPU_CHUNK` inputs, unless the backbone splits its chunks itself (`splits_chunks`).

    Without inputs, a dummy forward keeps the ranks in step: trainable parameters get gradients of 0, and statistics of
    batch norms stay as they are.
    """
    if is_recorded():  # with a number of inputs that may differ later
        return _encode(backbone, neck, inputs)
    if not len(inputs):
        with without_statistics(backbone):
            return _encode(backbone, neck, inputs.new_zeros(1, *inputs.shape[1:]))
    if inputs.device.type == 'cpu' and chunk_size is not None and not getattr(backbone, 'splits_chunks', False):
        chunk_size = min(chunk_size, CPU_CHUNK)
    if backbone.training or chunk_size is None or len(inputs) <= chunk_size:
        return _encode(backbone, neck, inputs)
    return torch.cat([_encode(backbone, neck, chunk) for chunk in inputs.split(chunk_size)])


def _encode(backbone: nn.Module, neck: nn.Module | None, inputs: Tensor) -> Tensor:
    features = backbone(inputs)
    if not isinstance(features, Tensor):
        network = type(backbone).__name__
        raise InputError(f'AudioVisualRecognizer: the backbone {network} gives a {type(features).__name__}; expected '
                         'is one tensor. Wrap it in ImageBackboneWrapper, VideoBackboneWrapper, AudioBackboneWrapper.')
    return features if neck is None else neck(features)


def gather_features(features: Tensor, index: Tensor) -> Tensor:
    """Gather features (n, ...) by an index of any shape; ``MISSING_INDEX`` (-1) gives zeros."""
    return torch.cat([features, features.new_zeros(1, *features.shape[1:])])[index]  # -1 is the last one


def mask_features(missing: Tensor, features: Tensor) -> Tensor:
    """Replace the features (B, ...) of clips by zeros where `missing` (B,) is true; no gradient passes there."""
    return features.masked_fill(missing.view(-1, *[1] * (features.ndim - 1)), 0)


@dataclass(frozen=True)
class ModalityDropout:
    """Replace the feature of one modality of a clip by zeros, as if the clip lacked it; never of both.

    Args:
        visual: Ratio of the clips that lose their frames.
        audio: Ratio of the clips that lose their audio; other clips than those.
    """

    visual: float = 0.
    audio: float = 0.

    def __post_init__(self) -> None:
        if min(self.visual, self.audio) < 0 or self.visual + self.audio > 1:
            raise InputError(f'modality_dropout: visual is {self.visual} and audio {self.audio}. Expected ratios of '
                             'the clips, 0 to 1, that are not more than 1 together.')

    def __call__(self, features: dict[str, Tensor], missing: dict[str, Tensor]) -> dict[str, Tensor]:
        """Mask features (B, ...) of clips at random; `missing` (B,) says which lack one already and keep the other."""
        sampled = torch.rand(len(features['visual'])).to(features['visual'].device, non_blocking=True)
        lost = dict(visual=sampled < self.visual,
                    audio=(sampled >= self.visual) & (sampled < self.visual + self.audio))
        return dict(visual=mask_features(lost['visual'] & ~missing['audio'], features['visual']),
                    audio=mask_features(lost['audio'] & ~missing['visual'], features['audio']))
