"""Architectures inferred from weights, and weights checked against them."""
import re
from math import isqrt

import torch
from torch import nn

from claip_emo_mm.errors import InputError
from claip_emo_mm.models.backbones.clip import build_vision_transformer
from claip_emo_mm.models.backbones.htsat import PATCH_SIZE, HTSATArch, build_empty_encoder
from claip_emo_mm.models.weights.formats import CLAP_HEADS, State
from claip_emo_mm.models.weights.load import check_fit


def validate_vision_encoder(state: State, source: str) -> nn.Module:
    """Check that these are all weights of a vision encoder, under our names, and return it on torch's meta device."""
    arch = infer_vision_arch(state, source)
    with torch.device('meta'):
        encoder = build_vision_transformer(arch)
    check_fit(encoder.state_dict(), state, source, f'ViT of width {arch["width"]} with {arch["layers"]} blocks')
    return encoder


def validate_audio_encoder(state: State, source: str) -> nn.Module:
    """Check that these are all weights of an HTSAT, its tagging heads optional, and return it without weights."""
    arch = infer_audio_arch(state, source)
    if any(arch.embed_dims * 2 ** stage % heads for stage, heads in enumerate(arch.num_heads)):
        raise InputError(f'{source}: the {arch.embed_dims} channels of patch_embed.norm do not fit the heads '
                         f'{tuple(arch.num_heads)} of relative_position_bias_table. Copy or download it again.')
    encoder = build_empty_encoder(arch, drop_path_rate=0.)
    expected = encoder.state_dict()
    if not any(key.startswith(CLAP_HEADS) for key in state):
        expected = {key: value for key, value in expected.items() if not key.startswith(CLAP_HEADS)}
    check_fit(expected, state, source, f'HTSAT of width {arch.embed_dims} with {sum(arch.depths)} blocks')
    return encoder


def infer_vision_arch(state: State, source: str) -> dict:
    """Infer the fields of open_clip's ``CLIPVisionCfg`` that decide the keys and shapes of a plain ViT."""
    width, patch = shape_of(state, 'conv1.weight', 4, source)[0::3]
    tokens = shape_of(state, 'positional_embedding', 2, source)[0]
    hidden = shape_of(state, 'transformer.resblocks.0.mlp.c_fc.weight', 2, source)[0]
    # The number of heads leaves no trace in the weights.
    return dict(width=width, layers=_count(state, r'transformer\.resblocks\.(\d+)\.'), patch_size=patch,
                image_size=patch * isqrt(max(tokens - 1, 1)), head_width=width, mlp_ratio=hidden / width,
                ls_init_value=1. if 'transformer.resblocks.0.ls_1.gamma' in state else None)


def infer_audio_arch(state: State, source: str) -> HTSATArch:
    """Infer the sizes of an HTSAT."""
    stages = _count(state, r'layers\.(\d+)\.')
    if not stages:
        raise InputError(f'{source}: has no layers.0: this is not the whole of an HTSAT.')
    tables = [shape_of(state, f'layers.{stage}.blocks.0.attn.relative_position_bias_table', 2, source)
              for stage in range(stages)]
    window = (isqrt(tables[0][0]) + 1) // 2  # the table has (2 * window - 1) ** 2 rows
    mask = state.get('layers.0.blocks.1.attn_mask')  # one entry per window of the spectrogram
    classes = state.get('head.weight')
    return HTSATArch(
        embed_dims=shape_of(state, 'patch_embed.norm.weight', 1, source)[0],
        depths=[_count(state, rf'layers\.{stage}\.blocks\.(\d+)\.') for stage in range(stages)],
        num_heads=[heads for _, heads in tables], mel_bins=shape_of(state, 'bn0.weight', 1, source)[0],
        spec_size=HTSATArch.spec_size if mask is None else PATCH_SIZE * window * isqrt(len(mask)), window_size=window,
        fusion='patch_embed.mel_conv2d.weight' in state,
        num_classes=HTSATArch.num_classes if classes is None else len(classes))


def shape_of(state: State, key: str, dimensions: int, source: str) -> tuple[int, ...]:
    """Return the shape of a weight; InputError where it is missing or has another number of dimensions."""
    if key not in state:
        raise InputError(f'{source}: its weights are incomplete: {key} is missing. Copy or download it again.')
    shape = tuple(state[key].shape)
    if len(shape) != dimensions:
        raise InputError(f'{source}: {key} has the shape {shape}, expected one of {dimensions} dimensions.')
    return shape


def _count(state: State, pattern: str) -> int:
    """How many numbers the keys count up to, from 0."""
    return 1 + max((int(match[1]) for match in (re.match(pattern, key) for key in state) if match), default=-1)
