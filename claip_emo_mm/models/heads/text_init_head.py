"""A linear head that starts from what the class names mean."""
from collections.abc import Sequence
from typing import Any

import torch
from mmaction.registry import MODELS
from torch import Tensor

from claip_emo_mm.datasets.prompts import class_names
from claip_emo_mm.errors import InputError, check_whole
from claip_emo_mm.models.heads.fusions import ConcatFusionHead
from claip_emo_mm.models.heads.language_head import Given, visual_side


@MODELS.register_module()
class TextInitFusionHead(ConcatFusionHead):
    """``ConcatFusionHead`` whose linear layer begins as CLIP's zero-shot classifier, and is trained from there.

    The visual half of the weight begins as the class embeddings behind CLIP's projection, times the temperature, the
    audio half and the bias as zeros: before the first step the scores are those of ``LanguageHead`` on frames. To that
    end the visual feature x is scaled by ``|P| / |P x|``, with the norms of the projection P (Frobenius) and of the
    projected feature; the factor is about 1 for features of unit variance. Without a visual neck, as ``LanguageHead``.

    Args:
        num_classes, visual_channels, audio_channels, kwargs: As in ``ConcatFusionHead``; the head needs frames.
        classes, arch, pretrained, prompts: As in ``LanguageHead``.
    """

    def __init__(self, num_classes: int, visual_channels: int, audio_channels: int = 0,
                 classes: str | Sequence[str] = 'dfew', arch: str | dict = 'ViT-L-14-quickgelu',
                 pretrained: str | None = None, prompts: Given = None, **kwargs: Any) -> None:
        check_whole(self, visual_channels=visual_channels)
        super().__init__(num_classes, visual_channels, audio_channels, **kwargs)
        names = class_names(classes)
        if len(names) != num_classes:
            raise InputError(f'TextInitFusionHead: num_classes={num_classes}, but classes has {len(names)} names: '
                             f'{", ".join(names)}. Correct one of them.')
        self.classes = names
        self.language = visual_side(visual_channels, names, arch, pretrained, prompts).requires_grad_(False)

    @torch.no_grad()
    def init_weights(self) -> None:
        """Set the linear layer to the zero-shot classifier, once, before training."""
        if self.language.is_ready or self.language.embed is None:
            return
        self.language.prepare()
        projection = self.language.projection.weight  # (E, D)
        classifier = self.language.log_scale.exp() / projection.norm() * self.language.class_embeddings @ projection
        self.fc.weight.zero_()
        self.fc.weight[:, self.audio_channels:] = classifier  # audio comes first
        self.fc.bias.zero_()

    def fuse(self, visual: Tensor, audio: Tensor | None) -> Tensor:
        """(B, D) and (B, D') to (B, D' + D)."""
        if not self.language.is_ready:
            self.init_weights()
            self.language.prepare()
        projection = self.language.projection
        length = projection(visual).norm(dim=-1, keepdim=True).clamp_min(1e-12)
        return super().fuse(visual * (projection.weight.norm() / length), audio)
