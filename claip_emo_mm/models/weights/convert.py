"""Conversion of weights and of reference checkpoints, checked against architectures that are inferred from them."""
import re
from math import isqrt
from pathlib import Path
from typing import Any

import torch
from mmengine.logging import print_log
from torch import nn

from claip_emo_mm.errors import InputError
from claip_emo_mm.models.backbones.clip import build_vision_transformer
from claip_emo_mm.models.backbones.htsat import PATCH_SIZE, HTSATArch, build_empty_encoder
from claip_emo_mm.models.layers.lora import LoRAConfig, add_adapters
from claip_emo_mm.models.necks import TemporalTransformer
from claip_emo_mm.models.weights import formats
from claip_emo_mm.models.weights.formats import CLAP_HEADS, REFERENCE_AUDIO, REFERENCE_VISUAL, State
from claip_emo_mm.models.weights.load import check_fit, hash_weights, read_weights
from claip_emo_mm.models.weights.save import check_suffix, published_format, write_state
from claip_emo_mm.utils.io import check_writable
from claip_emo_mm.version import FORMAT, __version__

KINDS = ('clip', 'clap', 'reference')
VISUAL, AUDIO = 'visual_backbone.tower.', 'audio_backbone.tower.'
_FRONT_END = (f'{AUDIO}spectrogram_extractor.', f'{AUDIO}logmel_extractor.')
_STATISTICS = ('.running_mean', '.running_var', '.num_batches_tracked')  # of batch norms
_NECK_NAMES = (
    (r'^temporal_v\.temporal_transformer\.layers\.', 'visual_neck.layers.'),
    (r'^temporal_v\.', 'visual_neck.'),
    (r'\.0\.fn\.norm\.', '.norm1.'),
    (r'\.0\.fn\.fn\.to_qkv\.', '.qkv.'),
    (r'\.0\.fn\.fn\.to_out\.0\.', '.out.'),
    (r'\.1\.fn\.norm\.', '.norm2.'),
    (r'\.1\.fn\.fn\.net\.0\.', '.fc1.'),
    (r'\.1\.fn\.fn\.net\.3\.', '.fc2.'),
    (r'^fusion_module\.', 'cls_head.'),
)


def convert_weights(kind: str, source: Path, target: Path, adapters_only: bool = False,
                    overwrite: bool = False) -> str:
    """Convert a file of weights, strictly, and return the name of its format.

    ``'clip'`` writes a vision encoder as open_clip publishes it, ``'clap'`` an audio encoder as laion_clap does, for
    ``pretrained``; ``'reference'`` a checkpoint of the whole model, `adapters_only` for one without frozen weights.
    """
    if adapters_only and kind != 'reference':
        raise InputError(f'--adapters-only: a file of {kind} weights has no adapters. It is for reference checkpoints.')
    check_suffix(target)
    if target.exists() and not overwrite:
        raise InputError(f'{target}: exists already. Choose another name, or say --overwrite.')
    check_writable(target)
    state, metadata = read_weights(source), None
    if kind == 'reference':
        found = 'reference checkpoint'
        state = convert_reference(state, str(source))
        if adapters_only:
            metadata = adapter_metadata(state, str(source))
            state = {key: value for key, value in state.items()  # adapters, neck, head, running statistics
                     if '.lora_' in key or not key.startswith((VISUAL, AUDIO)) or key.endswith(_STATISTICS)}
    else:
        weight_format = formats.find_format(state, formats.VISUAL_FORMATS if kind == 'clip' else formats.AUDIO_FORMATS,
                                            str(source))
        found = weight_format.name
        state = weight_format.encoder_state(state)
        (validate_vision_encoder if kind == 'clip' else validate_audio_encoder)(state, str(source))
        state = published_format(state, kind)
    print_log(f'{source}: {found}', logger='current')
    write_state(state, target, note=f'converted from {source.name} ({found})', metadata=metadata)
    return found


def convert_reference(state: State, source: str) -> State:
    """Name a reference checkpoint's weights as ``AudioVisualRecognizer`` does, and add the integer buffers."""
    state = {key.removeprefix('module.'): value for key, value in state.items()}
    absent = [start for start in (REFERENCE_VISUAL, REFERENCE_AUDIO, 'temporal_v.', 'fusion_module.')
              if not any(key.startswith(start) for key in state)]
    if absent:
        raise InputError(f'{source}: is not a whole checkpoint of the reference: it has no keys that begin with '
                         f'{", ".join(absent)}. It has {len(state)} keys, the first are '
                         f'{", ".join(sorted(state)[:5]) or "none"}.')
    converted: State = {}
    for key, value in state.items():
        if key.startswith(REFERENCE_VISUAL):
            name = VISUAL + formats.rename_key(key.removeprefix(REFERENCE_VISUAL), formats.CLIP_NAMES)
        elif key.startswith(REFERENCE_AUDIO):
            name = AUDIO + key.removeprefix(REFERENCE_AUDIO)
        else:
            name = formats.rename_key(key, _NECK_NAMES)
        if not name.endswith('position_ids') and not name.startswith(_FRONT_END):
            converted[name] = value.float() if value.is_floating_point() else value
    found = {key: value for key, value in converted.items() if not key.startswith((VISUAL, AUDIO))}
    check_fit(_neck_and_head(found, source), found, source, 'TemporalTransformer and ConcatFusionHead')
    return _with_checked_encoders(converted, source)


def adapter_metadata(state: State, source: str) -> dict[str, Any]:
    """Metadata of a checkpoint without frozen weights: which ones it belongs to."""
    frozen = {key: value for key, value in state.items() if value.is_floating_point() and '.lora_' not in key
              and not key.endswith((*_STATISTICS, '.attn_mask')) and not key.removeprefix(AUDIO).startswith(CLAP_HEADS)}
    backbones = {}
    for prefix in (VISUAL, AUDIO):
        digest = hash_weights({key: value for key, value in frozen.items() if key.startswith(prefix)})
        backbones[prefix.partition('.')[0]] = dict(arch=None, lora=None, pretrained=source, sha256=digest)
    return dict(format=FORMAT, version=__version__, backbones=backbones)


def _with_checked_encoders(state: State, source: str) -> State:
    """Check both encoders and their adapters, and add the buffers that they make themselves."""
    complete = dict(state)
    for prefix, validate in ((VISUAL, validate_vision_encoder), (AUDIO, validate_audio_encoder)):
        own = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
        plain = formats.without_adapters(own)
        encoder = validate({key: value for key, value in plain.items() if value.is_floating_point()}, source)
        _place_adapters(encoder, own)
        expected = encoder.state_dict()
        check_fit(expected, own, source, f'{prefix.rstrip(".")} with adapters')
        for key, value in expected.items():
            if not value.is_floating_point() or key.endswith('attn_mask'):
                complete.setdefault(prefix + key, value)
    return complete


def _place_adapters(encoder: nn.Module, state: State) -> None:
    """Put an adapter on every layer that has keys of one in the file."""
    adapted = {key.partition(mark)[0] for mark in ('.lora_', '.base_layer.') for key in state if mark in key}
    targets = [name for name, layer in encoder.named_modules() if name in adapted and hasattr(layer, 'weight')]
    ranks = [value.shape[0] for key, value in state.items() if '.lora_A.' in key]
    if targets and ranks:
        with torch.device('meta'):
            add_adapters(encoder, LoRAConfig(targets, rank=max(set(ranks), key=ranks.count)), ())


def _neck_and_head(found: State, source: str) -> State:
    """Expected keys and shapes outside of the encoders, of the sizes that one weight each gives."""
    _, tokens, width = _shape(found, 'visual_neck.pos_embedding', 3, source)
    qkv, _ = _shape(found, 'visual_neck.layers.0.qkv.weight', 2, source)
    hidden, _ = _shape(found, 'visual_neck.layers.0.fc1.weight', 2, source)
    classes, fused = _shape(found, 'cls_head.fc.weight', 2, source)
    layers = {key.split('.')[2] for key in found if key.startswith('visual_neck.layers.')}
    with torch.device('meta'):
        neck = TemporalTransformer(width, tokens - 1, 1, qkv // 3, hidden, len(layers))
        head = nn.Linear(fused, classes)
    return neck.state_dict(prefix='visual_neck.') | head.state_dict(prefix='cls_head.fc.')


def validate_vision_encoder(state: State, source: str) -> nn.Module:
    """Check that these are all weights of a vision encoder, under our names, and return it on torch's meta device."""
    width, patch = _shape(state, 'conv1.weight', 4, source)[0::3]
    tokens = _shape(state, 'positional_embedding', 2, source)[0]
    hidden = _shape(state, 'transformer.resblocks.0.mlp.c_fc.weight', 2, source)[0]
    layers = _count(state, r'transformer\.resblocks\.(\d+)\.')
    with torch.device('meta'):
        encoder = build_vision_transformer(dict(
            width=width, layers=layers, patch_size=patch, image_size=patch * isqrt(max(tokens - 1, 1)),
            head_width=width, mlp_ratio=hidden / width,  # the number of heads leaves no trace in the weights
            ls_init_value=1. if 'transformer.resblocks.0.ls_1.gamma' in state else None))
    check_fit(encoder.state_dict(), state, source, f'ViT of width {width} with {layers} blocks')
    return encoder


def validate_audio_encoder(state: State, source: str) -> nn.Module:
    """Check that these are all weights of an HTSAT, its tagging heads optional, and return it without weights."""
    stages = _count(state, r'layers\.(\d+)\.')
    if not stages:
        raise InputError(f'{source}: has no layers.0: this is not the whole of an HTSAT.')
    tables = [_shape(state, f'layers.{stage}.blocks.0.attn.relative_position_bias_table', 2, source)
              for stage in range(stages)]
    window = (isqrt(tables[0][0]) + 1) // 2  # the table has (2 * window - 1) ** 2 rows
    mask = state.get('layers.0.blocks.1.attn_mask')  # one entry per window of the spectrogram
    classes = state.get('head.weight')
    arch = HTSATArch(
        embed_dims=_shape(state, 'patch_embed.norm.weight', 1, source)[0],
        depths=[_count(state, rf'layers\.{stage}\.blocks\.(\d+)\.') for stage in range(stages)],
        num_heads=[heads for _, heads in tables], mel_bins=_shape(state, 'bn0.weight', 1, source)[0],
        spec_size=HTSATArch.spec_size if mask is None else PATCH_SIZE * window * isqrt(len(mask)), window_size=window,
        fusion='patch_embed.mel_conv2d.weight' in state,
        num_classes=HTSATArch.num_classes if classes is None else len(classes))
    if any(arch.embed_dims * 2 ** stage % heads for stage, heads in enumerate(arch.num_heads)):
        raise InputError(f'{source}: the {arch.embed_dims} channels of patch_embed.norm do not fit the heads '
                         f'{tuple(arch.num_heads)} of relative_position_bias_table. Copy or download it again.')
    encoder = build_empty_encoder(arch, drop_path_rate=0.)
    expected = encoder.state_dict()
    if not any(key.startswith(CLAP_HEADS) for key in state):
        expected = {key: value for key, value in expected.items() if not key.startswith(CLAP_HEADS)}
    check_fit(expected, state, source, f'HTSAT of width {arch.embed_dims} with {sum(arch.depths)} blocks')
    return encoder


def _shape(state: State, key: str, dimensions: int, source: str) -> tuple[int, ...]:
    if key not in state:
        raise InputError(f'{source}: its weights are incomplete: {key} is missing. Copy or download it again.')
    shape = tuple(state[key].shape)
    if len(shape) != dimensions:
        raise InputError(f'{source}: {key} has the shape {shape}, expected one of {dimensions} dimensions.')
    return shape


def _count(state: State, pattern: str) -> int:
    """How many numbers the keys count up to, from 0."""
    return 1 + max((int(match[1]) for match in (re.match(pattern, key) for key in state) if match), default=-1)
