"""Conversion of weights and of reference checkpoints."""
import re
from pathlib import Path
from typing import Any

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from claip_emo_mm.errors import InputError
from claip_emo_mm.models.weights.formats import (
    AUDIO_FORMATS,
    CLAP_HEADS,
    REFERENCE_AUDIO,
    REFERENCE_VISUAL,
    VISUAL_FORMATS,
    State,
    clip_from_hugging_face,
    find_format,
    without_adapters,
)
from claip_emo_mm.models.weights.load import check_fit, hash_weights, read_weights
from claip_emo_mm.models.weights.save import check_suffix, published_format, write_state
from claip_emo_mm.models.weights.validate import complete_audio_encoder, complete_vision_encoder
from claip_emo_mm.utils.io import check_writable
from claip_emo_mm.version import FORMAT, __version__

VISUAL, AUDIO = 'visual_backbone.encoder.', 'audio_backbone.encoder.'
_FOLLOWED = ('.running_mean', '.running_var', '.num_batches_tracked')  # statistics that follow the data
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


def convert_reference(state: State, source: str) -> State:
    """Name a reference checkpoint's weights as ``AudioVisualRecognizer`` does.

    Args:
        state: All of the checkpoint's tensors.
        source: Where they come from, for the message.
    Returns: the state dict of the whole model: backbones with their adapters, neck and head, and the integer buffers.
    Raises:
        InputError: This is no such checkpoint, or a part of it is missing, unexpected or of another shape.
    """
    state = {key.removeprefix('module.'): value for key, value in state.items()}
    starts = {'frame': REFERENCE_VISUAL, 'audio': REFERENCE_AUDIO, 'neck': 'temporal_v.', 'head': 'fusion_module.'}
    absent = [start for start in starts.values() if not any(key.startswith(start) for key in state)]
    if absent:
        raise InputError(f'{source}: is not a whole checkpoint of the reference: it has no keys that begin with '
                         f'{", ".join(absent)}. It has {len(state)} keys, the first are '
                         f'{", ".join(sorted(state)[:5]) or "none"}.')
    converted: State = {}
    for key, value in state.items():
        value = value.float() if value.is_floating_point() else value
        if key.startswith(REFERENCE_VISUAL):
            name = VISUAL + next(iter(clip_from_hugging_face({key.removeprefix(REFERENCE_VISUAL): value})))
        elif key.startswith(REFERENCE_AUDIO):
            name = AUDIO + key.removeprefix(REFERENCE_AUDIO)
        else:
            name = key
            for pattern, ours in _NECK_NAMES:
                name = re.sub(pattern, ours, name)
        if not name.endswith('position_ids') and not _is_front_end(name):
            converted[name] = value
    _check_neck_and_head(converted, source)
    return _with_checked_encoders(converted, source)


def trainable_state(state: State) -> State:
    """Leave out what training does not change: the frozen weights of the backbones.

    Args:
        state: State dict of the whole model.
    Returns: adapters, neck, head, and the running statistics of the batch norms, which follow the data.
    """
    return {key: value for key, value in state.items()
            if '.lora_' in key or not key.startswith((VISUAL, AUDIO)) or key.endswith(_FOLLOWED)}


def adapter_metadata(state: State, source: str) -> dict[str, Any]:
    """Say which frozen weights a file without them belongs to.

    Args:
        state: State dict of the whole model.
        source: Where it comes from.
    Returns: what a checkpoint says of itself, as far as it is known.
    """
    frozen = {key: value for key, value in state.items() if value.is_floating_point() and '.lora_' not in key
              and not key.endswith((*_FOLLOWED, '.attn_mask')) and not key.removeprefix(AUDIO).startswith(CLAP_HEADS)}
    backbones = {}
    for prefix in (VISUAL, AUDIO):
        part = {key: value for key, value in frozen.items() if key.startswith(prefix)}
        backbones[prefix.partition('.')[0]] = dict(arch=None, lora=None, pretrained=source, sha256=hash_weights(part))
    return dict(format=FORMAT, version=__version__, backbones=backbones)


def _is_front_end(name: str) -> bool:
    return name.startswith((f'{AUDIO}spectrogram_extractor.', f'{AUDIO}logmel_extractor.'))


def _with_checked_encoders(state: State, source: str) -> State:
    """Check both encoders and their adapters, and add the buffers that they make themselves."""
    whole = dict(state)
    for prefix, build in ((VISUAL, complete_vision_encoder), (AUDIO, complete_audio_encoder)):
        part = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
        encoder = build({key: value for key, value in without_adapters(part).items() if value.is_floating_point()},
                      source)
        check_fit(_with_adapters(encoder, part), part, source, f'{prefix.rstrip(".")} with adapters')
        for key, value in encoder.state_dict().items():
            if not value.is_floating_point() or key.endswith('attn_mask'):
                whole.setdefault(prefix + key, value)
    return whole


def _with_adapters(encoder: nn.Module, part: State) -> State:
    """Return what the encoder's state dict would be with an adapter on every layer that has a part of one in the
    file.
    """
    layers = dict(encoder.named_modules())
    adapted = {key.partition('.lora_')[0] for key in part if '.lora_' in key}
    adapted |= {key.partition('.base_layer.')[0] for key in part if '.base_layer.' in key}
    ranks = [value.shape[0] for key, value in part.items() if '.lora_A.' in key]
    rank = max(set(ranks), key=ranks.count) if ranks else 0
    expected: State = {}
    for key, value in encoder.state_dict().items():
        layer, _, name = key.rpartition('.')
        expected[f'{layer}.base_layer.{name}' if layer in adapted else key] = value
    for name in adapted & set(layers):
        weight = layers[name].weight  # (out, in) or (out, in, height, width)
        down = torch.empty(rank, *weight.shape[1:], device='meta')
        up = torch.empty(len(weight), rank, *[1] * (weight.dim() - 2), device='meta')
        expected |= {f'{name}.lora_A.default.weight': down, f'{name}.lora_B.default.weight': up}
    return expected


def _check_neck_and_head(state: State, source: str) -> None:
    """Check the keys and shapes of everything outside of the encoders."""
    found = {key: value for key, value in state.items() if not key.startswith((VISUAL, AUDIO))}
    check_fit(_neck_and_head(found, source), found, source, 'TemporalTransformer and ConcatFusionHead')


def _neck_and_head(found: State, source: str) -> dict[str, Tensor]:
    # The sizes that nothing else decides are taken from one weight each.
    deciding = ('visual_neck.pos_embedding', 'visual_neck.layers.0.qkv.weight', 'visual_neck.layers.0.fc1.weight',
                'cls_head.fc.weight')
    missing = [key for key in deciding if key not in found]
    if missing:
        raise InputError(f'{source}: its weights are not whole: {", ".join(missing)} (as they are called here) '
                         'missing. Copy or download it again.')
    tokens, width = found[deciding[0]].shape[-2:]
    inner, hidden = len(found[deciding[1]]) // 3, len(found[deciding[2]])
    classes, features = found[deciding[3]].shape
    layers = {key.split('.')[2] for key in found if key.startswith('visual_neck.layers.')}
    shapes = {'norm1.weight': (width,), 'norm1.bias': (width,), 'qkv.weight': (3 * inner, width),
              'out.weight': (width, inner), 'out.bias': (width,), 'norm2.weight': (width,), 'norm2.bias': (width,),
              'fc1.weight': (hidden, width), 'fc1.bias': (hidden,), 'fc2.weight': (width, hidden), 'fc2.bias': (width,)}
    expected = {f'visual_neck.layers.{layer}.{name}': shape for layer in layers for name, shape in shapes.items()}
    expected |= {'visual_neck.cls_token': (1, 1, width), 'visual_neck.pos_embedding': (1, tokens, width),
                 'cls_head.fc.weight': (classes, features), 'cls_head.fc.bias': (classes,)}
    return {key: torch.empty(shape, device='meta') for key, shape in expected.items()}


KINDS = ('clip', 'clap', 'reference')


def convert_weights(kind: str, source: Path, target: Path, adapters_only: bool = False,
                    overwrite: bool = False) -> str:
    """Convert a file of weights, strictly.

    Args:
        kind: ``'clip'`` writes a vision encoder as open_clip publishes it, ``'clap'`` an audio encoder as laion_clap
            does; a config names such a file as ``pretrained``. ``'reference'`` writes a checkpoint of the whole model.
        source: A file in any of the forms of that kind.
        target: The file to write: ``.safetensors``, or ``.pth``, ``.pt``, ``.bin`` for a torch checkpoint.
        adapters_only: Leave the frozen weights of the backbones out; for ``'reference'`` alone.
        overwrite: Whether ``target`` may exist.
    Returns: name of the form that was found.
    Raises:
        InputError: The source cannot be read, is not of that kind or not whole, or the target exists or cannot be
            written.
    """
    if adapters_only and kind != 'reference':
        raise InputError(f'--adapters-only: a file of {kind} weights has no adapters. It is for reference checkpoints.')
    check_suffix(target)
    if target.exists() and not overwrite:
        raise InputError(f'{target}: exists already. Choose another name, or say --overwrite.')
    check_writable(target)
    state, facts = read_weights(source), None
    if kind == 'reference':
        found = 'reference checkpoint'
        state = convert_reference(state, str(source))
        if adapters_only:
            state, facts = trainable_state(state), adapter_metadata(state, str(source))
    else:
        form = find_format(state, VISUAL_FORMATS if kind == 'clip' else AUDIO_FORMATS, str(source))
        found = form.name
        state = form.encoder_state(state)
        (complete_vision_encoder if kind == 'clip' else complete_audio_encoder)(state, str(source))
        state = published_format(state, kind)
    print_log(f'{source}: {found}', logger='current')
    write_state(state, target, note=f'converted from {source.name} ({found})', facts=facts)
    return found
