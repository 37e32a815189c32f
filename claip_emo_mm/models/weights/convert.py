"""Conversion of weights and of reference checkpoints."""
from pathlib import Path
from typing import Any

import torch
from mmengine.logging import print_log
from torch import nn

from claip_emo_mm.errors import InputError
from claip_emo_mm.models.layers.adapters import add_adapters
from claip_emo_mm.models.layers.lora import LoRAConfig
from claip_emo_mm.models.necks import TemporalTransformer
from claip_emo_mm.models.weights import formats
from claip_emo_mm.models.weights.formats import CLAP_HEADS, REFERENCE_AUDIO, REFERENCE_VISUAL, State
from claip_emo_mm.models.weights.load import check_fit, hash_weights, read_weights
from claip_emo_mm.models.weights.save import check_suffix, published_format, write_state
from claip_emo_mm.models.weights.validate import shape_of, validate_audio_encoder, validate_vision_encoder
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
        check_fit(_with_adapters(encoder, own), own, source, f'{prefix.rstrip(".")} with adapters')
        for key, value in encoder.state_dict().items():
            if not value.is_floating_point() or key.endswith('attn_mask'):
                complete.setdefault(prefix + key, value)
    return complete


def _with_adapters(encoder: nn.Module, state: State) -> State:
    """Return the encoder's state dict with an adapter on every layer that has keys of one in the file."""
    adapted = {key.partition(mark)[0] for mark in ('.lora_', '.base_layer.') for key in state if mark in key}
    targets = [name for name, layer in encoder.named_modules() if name in adapted and hasattr(layer, 'weight')]
    ranks = [value.shape[0] for key, value in state.items() if '.lora_A.' in key]
    if targets and ranks:
        with torch.device('meta'):
            add_adapters(encoder, LoRAConfig(targets, rank=max(set(ranks), key=ranks.count)), ())
    return encoder.state_dict()


def _neck_and_head(found: State, source: str) -> State:
    """Expected keys and shapes outside of the encoders, of the sizes that one weight each gives."""
    _, tokens, width = shape_of(found, 'visual_neck.pos_embedding', 3, source)
    qkv, _ = shape_of(found, 'visual_neck.layers.0.qkv.weight', 2, source)
    hidden, _ = shape_of(found, 'visual_neck.layers.0.fc1.weight', 2, source)
    classes, fused = shape_of(found, 'cls_head.fc.weight', 2, source)
    layers = {key.split('.')[2] for key in found if key.startswith('visual_neck.layers.')}
    with torch.device('meta'):
        neck = TemporalTransformer(width, tokens - 1, 1, qkv // 3, hidden, len(layers))
        head = nn.Linear(fused, classes)
    return neck.state_dict(prefix='visual_neck.') | head.state_dict(prefix='cls_head.fc.')
