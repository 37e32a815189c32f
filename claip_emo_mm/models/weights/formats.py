"""Published formats of CLIP and CLAP weights."""
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from claip_emo_mm.errors import InputError
from claip_emo_mm.models.layers.attention import split_fused_projections

# In this order: a later pattern sees what an earlier one made.
_CLIP_NAMES = (
    (r'^embeddings\.class_embedding$', 'class_embedding'),
    (r'^embeddings\.position_embedding\.weight$', 'positional_embedding'),
    (r'^embeddings\.patch_embedding\.', 'conv1.'),
    (r'^pre_layrnorm\.', 'ln_pre.'),  # their spelling
    (r'^post_layernorm\.', 'ln_post.'),
    (r'^encoder\.layers\.', 'transformer.resblocks.'),
    (r'\.self_attn\.', '.attn.'),
    (r'\.layer_norm([12])\.', r'.ln_\1.'),
    (r'\.mlp\.fc1\.', '.mlp.c_fc.'),
    (r'\.mlp\.fc2\.', '.mlp.c_proj.'),
)
_CLAP_NAMES = (
    (r'^batch_norm\.', 'bn0.'),
    (r'\.layernorm_before\.', '.norm1.'),
    (r'\.layernorm_after\.', '.norm2.'),
    (r'\.attention\.self\.', '.attn.'),
    (r'\.attention\.output\.dense\.', '.attn.proj.'),
    (r'\.intermediate\.dense\.', '.mlp.fc1.'),
    (r'\.output\.dense\.', '.mlp.fc2.'),
)


def clip_from_hugging_face(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename the keys of a vision encoder of transformers' CLIP to open_clip's."""
    return {_renamed(key, _CLIP_NAMES): value for key, value in state.items()}


def clap_from_hugging_face(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename the keys of an audio encoder of transformers' CLAP to laion_clap's, and join query, key and value.

    Returns: a new dict. A projection of which a part is missing stays as it is, to be found unexpected.
    """
    state = {_renamed(key, _CLAP_NAMES): value for key, value in state.items()}
    joined: dict[str, Tensor] = {}
    for key, value in state.items():
        part = re.fullmatch(r'(.*\.attn\.)(query|key|value)\.(weight|bias)', key)
        parts = part and [state.get(f'{part[1]}{name}.{part[3]}') for name in ('query', 'key', 'value')]
        if not parts or any(other is None or other.shape != value.shape for other in parts):
            joined[key] = value
        elif part[2] == 'query':
            joined[f'{part[1]}qkv.{part[3]}'] = torch.cat(parts)
    return joined


def without_adapters(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Leave peft's adapters out and give the layers below them their own names back."""
    return {key.replace('.base_layer.', '.'): value for key, value in state.items() if '.lora_' not in key}


def _renamed(key: str, names: tuple[tuple[str, str], ...]) -> str:
    for pattern, name in names:
        key = re.sub(pattern, name, key)
    return key


State = dict[str, Tensor]


@dataclass(frozen=True)
class WeightFormat:
    """A published form of a encoder's weights.

    Args:
        name: What the log calls it.
        prefix: What stands in front of the encoder's keys.
        marker: Key of the encoder, behind the prefix, by which the form is recognized.
        unused: Beginnings of the encoder's keys that our encoder does not have.
        convert: Renames the keys to the encoder's.
        packaged: Name, below ``claip_emo_mm/weights``, of the weights called ``'toy'`` in this form; '' for none.
        optional: Beginnings of keys of our encoder that a file of this form may lack, because nothing reads them.
    """
    name: str
    prefix: str
    marker: str
    unused: tuple[str, ...] = ()
    convert: Callable[[State], State] = dict
    packaged: str = ''
    optional: tuple[str, ...] = ()

    def encoder_state(self, state: State) -> State:
        """Pick the encoder's weights out of a file's and name them as our encoder does.

        Args:
            state: All tensors of a file of this form.
        Returns: float32 tensors; those that are float32 already are not copied. Integer buffers are left out: they
            are indices, which the encoder makes itself.
        """
        encoder = {key.removeprefix(self.prefix): value for key, value in state.items()
                 if key.startswith(self.prefix) and value.is_floating_point()}
        return {key: value.float() for key, value in self.convert(encoder).items()
                if not (self.unused and key.startswith(self.unused))}


def _open_clip(name: str, prefix: str, packaged: str = '') -> WeightFormat:
    return WeightFormat(name, prefix, 'class_embedding', ('proj',), split_fused_projections, packaged)


def _hugging_face_clip(name: str, prefix: str) -> WeightFormat:
    return WeightFormat(name, prefix, 'embeddings.class_embedding', ('visual_projection.',), clip_from_hugging_face)


def _laion(name: str, prefix: str, packaged: str = '') -> WeightFormat:
    # A file that came by way of Hugging Face lacks the heads, also once it is converted.
    return WeightFormat(name, prefix, 'bn0.running_mean', ('spectrogram_extractor.', 'logmel_extractor.'), dict,
                        packaged,
                      CLAP_HEADS)


def _hugging_face_clap(name: str, prefix: str) -> WeightFormat:
    return WeightFormat(name, prefix, 'batch_norm.running_mean', (), clap_from_hugging_face, '', CLAP_HEADS)


CLAP_HEADS = ('tscam_conv.', 'head.')  # HTSAT's own tagging of audio
REFERENCE_VISUAL = 'vision_encoder.model.vision_model.'
REFERENCE_AUDIO = 'audio_encoder.audio_encoder.model.'

VISUAL_FORMATS = (
    _open_clip('open_clip or OpenAI CLIP', 'visual.', 'toy_clip.safetensors'),
    _open_clip('open_clip, data parallel', 'module.visual.'),
    _open_clip('open_clip, vision encoder alone', ''),
    _hugging_face_clip('Hugging Face CLIPModel or CLIPVisionModel', 'vision_model.'),
    _hugging_face_clip('Hugging Face CLIPVisionModel without prefix', ''),
    WeightFormat('reference checkpoint, its adapters left out', REFERENCE_VISUAL, 'embeddings.class_embedding',
               convert=lambda state: clip_from_hugging_face(without_adapters(state))))
AUDIO_FORMATS = (
    _laion('LAION CLAP', 'audio_branch.', 'toy_clap.safetensors'),
    _laion('LAION CLAP, data parallel', 'module.audio_branch.'),
    _laion('LAION CLAP, audio branch alone', ''),
    _hugging_face_clap('Hugging Face ClapModel', 'audio_model.audio_encoder.'),
    _hugging_face_clap('Hugging Face ClapAudioModel', 'audio_encoder.'),
    WeightFormat('reference checkpoint, its adapters left out', REFERENCE_AUDIO, 'bn0.running_mean',
               convert=without_adapters))


def find_format(state: State, forms: Sequence[WeightFormat], source: str) -> WeightFormat:
    """Return the form whose marker is among the keys.

    Raises:
        InputError: None of them.
    """
    for form in forms:
        if form.prefix + form.marker in state:
            return form
    names = '; '.join(f'{form.name} ({form.prefix + form.marker})' for form in forms)
    raise InputError(f'{source}: holds none of these forms, each with the key that it must have: {names}. It has '
                     f'{len(state)} keys, the first are {", ".join(sorted(state)[:5]) or "none"}. '
                     'Check that this is a file of the right encoder, and whole.')
