"""Published formats of CLIP and CLAP weights."""
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from claip_emo_mm.errors import InputError

State = dict[str, Tensor]
CLAP_HEADS = ('tscam_conv.', 'head.')  # HTSAT's own tagging of audio
REFERENCE_VISUAL = 'vision_encoder.model.vision_model.'
REFERENCE_AUDIO = 'audio_encoder.audio_encoder.model.'

# In this order: a later pattern sees what an earlier one made.
CLIP_NAMES = (
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


def rename_key(key: str, names: Sequence[tuple[str, str]]) -> str:
    """Apply (pattern, replacement) pairs to a key, one after the other."""
    for pattern, name in names:
        key = re.sub(pattern, name, key)
    return key


def split_fused_projections(state: State) -> State:
    """Split ``*.in_proj_{weight,bias}`` of a state dict into ``*.{q,k,v}_proj.{weight,bias}``, without a copy."""
    split: State = {}
    for key, value in state.items():
        prefix, fused, name = key.rpartition('.in_proj_')
        thirds = zip('qkv', value.chunk(3), strict=True) if fused else ()
        split |= {f'{prefix}.{projection}_proj.{name}': third for projection, third in thirds} or {key: value}
    return split


def fuse_separate_projections(state: State) -> State:
    """Undo `split_fused_projections`."""
    fused: State = {}
    for key, value in state.items():
        prefix, found, name = key.rpartition('.q_proj.')
        if found:
            thirds = [state[f'{prefix}.{projection}_proj.{name}'] for projection in 'qkv']
            fused[f'{prefix}.in_proj_{name}'] = torch.cat(thirds)
        elif '.k_proj.' not in key and '.v_proj.' not in key:
            fused[key] = value
    return fused


def clip_from_hugging_face(state: State) -> State:
    """Rename the keys of a vision encoder of transformers' CLIP to open_clip's."""
    return {rename_key(key, CLIP_NAMES): value for key, value in state.items()}


def clap_from_hugging_face(state: State) -> State:
    """Rename the keys of transformers' CLAP to laion_clap's; fuse query, key, value (not an incomplete projection)."""
    state = {rename_key(key, _CLAP_NAMES): value for key, value in state.items()}
    fused: State = {}
    for key, value in state.items():
        match = re.fullmatch(r'(.*\.attn\.)(query|key|value)\.(weight|bias)', key)
        thirds = match and [state.get(f'{match[1]}{name}.{match[3]}') for name in ('query', 'key', 'value')]
        if not thirds or any(third is None or third.shape != value.shape for third in thirds):
            fused[key] = value
        elif match[2] == 'query':
            fused[f'{match[1]}qkv.{match[3]}'] = torch.cat(thirds)
    return fused


def without_adapters(state: State) -> State:
    """Remove peft's adapters, and the names that they give to the layers below them."""
    return {key.replace('.base_layer.', '.'): value for key, value in state.items() if '.lora_' not in key}


@dataclass(frozen=True)
class WeightFormat:
    """A published format of an encoder's weights."""

    name: str  # in the log
    prefix: str  # of the encoder's keys
    marker: str  # key of the encoder, behind the prefix, that identifies the format
    unused: tuple[str, ...] = ()  # beginnings of the encoder's keys that our encoder does not have
    convert: Callable[[State], State] = dict  # renames the keys to our encoder's
    packaged: str = ''  # file name, below claip_emo_mm/weights, of the toy weights in this format
    optional: tuple[str, ...] = ()  # beginnings of our encoder's keys that a file may lack, as nothing reads them

    def encoder_state(self, state: State) -> State:
        """Select the encoder's weights, but no integer buffers, as float32 under our encoder's names."""
        encoder = {key.removeprefix(self.prefix): value for key, value in state.items()
                   if key.startswith(self.prefix) and value.is_floating_point()}
        return {key: value.float() for key, value in self.convert(encoder).items()
                if not (self.unused and key.startswith(self.unused))}


_OPEN_CLIP = WeightFormat('open_clip or OpenAI CLIP', 'visual.', 'class_embedding', ('proj',), split_fused_projections,
                          packaged='toy_clip.safetensors')
_HUGGING_FACE_CLIP = WeightFormat('Hugging Face CLIPModel or CLIPVisionModel', 'vision_model.',
                                  'embeddings.class_embedding', ('visual_projection.',), clip_from_hugging_face)
VISUAL_FORMATS = (
    _OPEN_CLIP,
    replace(_OPEN_CLIP, name='open_clip, data parallel', prefix='module.visual.', packaged=''),
    replace(_OPEN_CLIP, name='open_clip, vision encoder alone', prefix='', packaged=''),
    _HUGGING_FACE_CLIP,
    replace(_HUGGING_FACE_CLIP, name='Hugging Face CLIPVisionModel without prefix', prefix=''),
    WeightFormat('reference checkpoint, its adapters left out', REFERENCE_VISUAL, 'embeddings.class_embedding',
                 convert=lambda state: clip_from_hugging_face(without_adapters(state))))

# A LAION file that was converted from Hugging Face's lacks the heads, too.
_LAION = WeightFormat('LAION CLAP', 'audio_branch.', 'bn0.running_mean',
                      unused=('spectrogram_extractor.', 'logmel_extractor.'), packaged='toy_clap.safetensors',
                      optional=CLAP_HEADS)
_HUGGING_FACE_CLAP = WeightFormat('Hugging Face ClapModel', 'audio_model.audio_encoder.', 'batch_norm.running_mean',
                                  convert=clap_from_hugging_face, optional=CLAP_HEADS)
AUDIO_FORMATS = (
    _LAION,
    replace(_LAION, name='LAION CLAP, data parallel', prefix='module.audio_branch.', packaged=''),
    replace(_LAION, name='LAION CLAP, audio branch alone', prefix='', packaged=''),
    _HUGGING_FACE_CLAP,
    replace(_HUGGING_FACE_CLAP, name='Hugging Face ClapAudioModel', prefix='audio_encoder.'),
    WeightFormat('reference checkpoint, its adapters left out', REFERENCE_AUDIO, 'bn0.running_mean',
                 convert=without_adapters))


def find_format(state: State, formats: Sequence[WeightFormat], source: str) -> WeightFormat:
    """Return the format whose marker is among the keys; InputError where there is none."""
    for known in formats:
        if known.prefix + known.marker in state:
            return known
    names = '; '.join(f'{known.name} ({known.prefix + known.marker})' for known in formats)
    raise InputError(f'{source}: has none of these formats, each with the key that identifies it: {names}. It has '
                     f'{len(state)} keys, the first are {", ".join(sorted(state)[:5]) or "none"}. '
                     'Check that this is a file of the right encoder, and complete.')
