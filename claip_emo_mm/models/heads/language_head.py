"""Classification by language: features are compared with what a text encoder makes of prompts."""
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmengine.logging import print_log
from torch import Tensor, nn

from claip_emo_mm.datasets.prompts import Prompts, class_names, class_prompts
from claip_emo_mm.errors import InputError, check_whole
from claip_emo_mm.models.heads.fusion_head import FusionHead
from claip_emo_mm.models.text_encoders import (
    ClassEmbeddings,
    clap_class_embeddings,
    clip_class_embeddings,
    clip_text_config,
    hash_prompts,
)
from claip_emo_mm.models.weights.load import check_fit

Given = Mapping[str, str | Sequence[str]] | str | None  # prompts: by class name, or a file; None for the project's own
_CLAP_WIDTH = 512  # E of LAION's


class LanguageSide(nn.Module):
    """Cosines between the features of one modality and class embeddings, times a temperature.

    The class embeddings are made by `embed` when they are needed, unless a state dict brought them: it has them beside
    the hashes of the prompts and of the text encoder that they were made of.

    Args:
        projection: Network that maps features (B, D) to the common space (B, E).
        num_classes: Classes K.
        embed_dims: Width E of the common space.
        prompts: Sentences of each class; None for those of the state dict that will be loaded, whatever they are.
        embed: Makes class embeddings of prompts like a tensor; None where there is no text encoder.
    """

    def __init__(self, projection: nn.Module, num_classes: int, embed_dims: int, prompts: Prompts | None,
                 embed: Callable[[Prompts, Tensor], ClassEmbeddings] | None) -> None:
        super().__init__()
        self.projection = projection
        self.log_scale = nn.Parameter(torch.zeros(()))
        self.register_buffer('class_embeddings', torch.zeros(num_classes, embed_dims))
        self.register_buffer('prompt_hash', torch.zeros(32, dtype=torch.uint8))
        self.register_buffer('text_hash', torch.zeros(32, dtype=torch.uint8))
        self.prompts, self.embed = prompts, embed
        self.is_ready = False

    def prepare(self) -> None:
        """Make the class embeddings, where they are not there yet; the only time that a text encoder runs."""
        if not self.is_ready:
            self.set_prompts(self.prompts, self.embed)

    @torch.no_grad()
    def set_prompts(self, prompts: Prompts | None,
                    embed: Callable[[Prompts, Tensor], ClassEmbeddings] | None = None) -> None:
        """Make class embeddings of prompts; a projection and temperature that a state dict brought stay."""
        embed = embed or self.embed
        if embed is None or prompts is None:
            raise InputError('LanguageHead: has no class embeddings. Set pretrained to weights with a text encoder '
                             'that makes them, or load a checkpoint.')
        made = embed(prompts, self.class_embeddings)
        text_hash = _as_tensor(made.text_hash).to(self.text_hash.device)
        if not self.is_ready:
            check_fit(self.projection.state_dict(), made.projection, made.source, 'projection of LanguageHead')
            self.projection.load_state_dict(made.projection)
            self.log_scale.copy_(made.log_scale)
        elif not torch.equal(self.text_hash, text_hash):
            raise InputError(f'{made.source}: has another text encoder than the one that the class embeddings of the '
                             'checkpoint were made by. Give the file of weights that the model was trained with.')
        self.class_embeddings, self.text_hash = made.embeddings, text_hash
        self.prompt_hash = _as_tensor(hash_prompts(prompts)).to(text_hash.device)
        self.prompts, self.embed, self.is_ready = prompts, embed, True
        print_log(f'Embedded {sum(map(len, prompts))} prompts of {len(prompts)} classes', logger='current')

    def forward(self, feature: Tensor) -> Tensor:
        """Map features (B, D) to logits (B, K); those of a missing modality, which are zeros, to 0."""
        self.prepare()
        cosines = F.normalize(self.projection(feature), dim=-1) @ self.class_embeddings.to(feature.dtype).T
        return self.log_scale.exp() * cosines * feature.any(-1, keepdim=True)

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *args: Any) -> None:
        hashes = {name: state_dict.get(f'{prefix}{name}') for name in ('prompt_hash', 'text_hash')}
        if hashes['prompt_hash'] is not None:
            here = dict(prompt_hash=None if self.prompts is None else _as_tensor(hash_prompts(self.prompts)),
                        text_hash=self.text_hash.cpu() if self.is_ready else None)
            for name, what in (('prompt_hash', 'prompts'), ('text_hash', 'text encoder')):
                if here[name] is not None and not torch.equal(hashes[name].cpu(), here[name]):
                    raise InputError(f'{prefix}{name}: the class embeddings of the checkpoint were made of other '
                                     f'{what} than those of this config. Use the config that it was trained with; for '
                                     'other words, tools/infer.py has --labels and --prompts.')
            self.is_ready = True
        super()._load_from_state_dict(state_dict, prefix, *args)


@MODELS.register_module()
class LanguageHead(FusionHead):
    """Classify by the cosines between features and class embeddings of prompts, as CLIP and CLAP do zero-shot.

    The visual feature goes through CLIP's projection, so it must be in the space of CLIP's own features: without a
    visual neck (the mean over the frames). With audio the logits of both are added, that is, the scores multiplied. The
    text encoders run once, before the first clip; checkpoints hold the class embeddings, so no text encoder runs or is
    needed with them.

    Args:
        num_classes, visual_channels, audio_channels, kwargs: As in ``FusionHead``; one of the widths may be 0.
        classes: Name of a label schema, or the K class names.
        arch: open_clip's name of the CLIP, or a dict of the fields of its ``CLIPTextCfg``, with ``embed_dims``.
        pretrained: File of the whole of CLIP, tag of open_clip's weights (``'openai'``), or ``'toy'``; None where a
            checkpoint brings the class embeddings.
        prompts: Sentences by class name, or a file of lines ``class: sentence``; the embeddings of several are
            averaged. None for the project's own.
        audio_arch: Fields of transformers' ``ClapTextConfig`` that differ from LAION's, with ``embed_dims``; or
            of open_clip's ``CLIPTextCfg``, for the toy encoder.
        audio_pretrained: File of the whole of CLAP; None as of `pretrained`.
        audio_tokenizer: Folder with RoBERTa's ``vocab.json`` and ``merges.txt``.
        audio_prompts: As `prompts`, for the audio.
        frozen: Whether projections and temperatures are frozen. Class embeddings always are.
    """

    needs_both = False

    def __init__(self, num_classes: int, visual_channels: int = 0, audio_channels: int = 0,
                 classes: str | Sequence[str] = 'dfew', arch: str | dict = 'ViT-L-14-quickgelu',
                 pretrained: str | None = None, prompts: Given = None, audio_arch: dict | None = None,
                 audio_pretrained: str | None = None, audio_tokenizer: str = 'weights/roberta-base',
                 audio_prompts: Given = None, frozen: bool = True, **kwargs: Any) -> None:
        super().__init__(num_classes, visual_channels, audio_channels, None, **kwargs)
        self.classes = class_names(classes)
        if len(self.classes) != num_classes:
            raise InputError(f'LanguageHead: num_classes={num_classes}, but classes has {len(self.classes)} names: '
                             f'{", ".join(self.classes)}. Correct one of them.')
        self.visual = self.audio = None
        if visual_channels:
            self._embed_visual = partial(clip_class_embeddings, arch=arch)
            self.visual = visual_side(visual_channels, self.classes, arch, pretrained, prompts)
        if audio_channels:
            options = dict(dict(embed_dims=_CLAP_WIDTH), **audio_arch or {})
            width = options['embed_dims']
            check_whole(self, **{'audio_arch.embed_dims': width})
            if 'context_length' in options:
                self._embed_audio = partial(clip_class_embeddings, arch=options, packaged='toy_clap_text.safetensors')
                projection = nn.Linear(audio_channels, width, bias=False)
            else:
                self._embed_audio = partial(clap_class_embeddings, arch=options, tokenizer=audio_tokenizer)
                projection = AudioProjection(audio_channels, width)
            self.audio = LanguageSide(
                projection, num_classes, width,
                audio_pretrained and class_prompts(self.classes, audio_prompts, 'audio'),
                audio_pretrained and partial(self._embed_audio, pretrained=audio_pretrained))
        self.requires_grad_(not frozen)

    def set_classes(self, classes: str | Sequence[str], prompts: Given = None, audio_prompts: Given = None,
                    pretrained: str | None = None, audio_pretrained: str | None = None) -> None:
        """Classify by other words from now on: the text encoders embed their prompts.

        Args:
            classes, prompts, audio_prompts: as of the constructor.
            pretrained, audio_pretrained: files with the text encoders; None for those of the constructor.
        """
        names = class_names(classes)
        if self.visual is not None:
            self.visual.set_prompts(class_prompts(names, prompts),
                                    pretrained and partial(self._embed_visual, pretrained=pretrained))
        if self.audio is not None:
            self.audio.set_prompts(class_prompts(names, audio_prompts, 'audio'),
                                   audio_pretrained and partial(self._embed_audio, pretrained=audio_pretrained))
        self.classes, self.num_classes = names, len(names)

    def init_weights(self) -> None:
        """Make the class embeddings, before training."""
        for side in (self.visual, self.audio):
            if side is not None and side.embed is not None:
                side.prepare()

    def fuse(self, visual: Tensor | None, audio: Tensor | None) -> Tensor:
        """(B, D) and (B, D') to logits (B, K)."""
        return sum(side(feature) for side, feature in ((self.visual, visual), (self.audio, audio))
                   if side is not None)


def visual_side(channels: int, classes: Sequence[str], arch: str | dict, pretrained: str | None,
                prompts: Given) -> LanguageSide:
    """Compare visual features of a width with K classes by CLIP; arguments as of ``LanguageHead``."""
    width = clip_text_config(arch)[1]
    return LanguageSide(nn.Linear(channels, width, bias=False), len(classes), width,
                        pretrained and class_prompts(classes, prompts),
                        pretrained and partial(clip_class_embeddings, arch=arch, pretrained=pretrained))


class AudioProjection(nn.Module):
    """CLAP's projection of audio features into the common space: linear, ReLU, linear."""

    def __init__(self, channels: int, embed_dims: int) -> None:
        super().__init__()
        self.linear1 = nn.Linear(channels, embed_dims)
        self.linear2 = nn.Linear(embed_dims, embed_dims)

    def forward(self, feature: Tensor) -> Tensor:
        """Map (B, D') to (B, E)."""
        return self.linear2(self.linear1(feature).relu())


def _as_tensor(digest: bytes) -> Tensor:
    return torch.tensor(list(digest), dtype=torch.uint8)
