"""Architectures inferred from weights, and weights checked against them."""
import re
from math import isqrt

import torch
from torch import Tensor, nn

from claip_emo_mm.errors import InputError
from claip_emo_mm.models.backbones.clip import build_vision_transformer
from claip_emo_mm.models.backbones.htsat import HTSATArch, build_htsat
from claip_emo_mm.models.weights.formats import CLAP_HEADS, State
from claip_emo_mm.models.weights.load import check_fit

_PATCH = 4  # pixels, of every HTSAT


def vision_encoder_sizes(state: dict[str, Tensor], source: str) -> dict:
    """Return the fields of open_clip's ``CLIPVisionCfg`` that decide which keys a plain ViT has, and their shapes.

    Args:
        state: The encoder's weights under our names.
        source: Where they come from, for the message.
    Raises:
        InputError: A weight that tells a size is missing, or they contradict each other.
    """
    width, patch = _shape(state, 'conv1.weight', 4, source)[0::3]
    blocks = _count(state, r'transformer\.resblocks\.(\d+)\.')
    tokens = _shape(state, 'positional_embedding', 2, source)[0]
    hidden = _shape(state, 'transformer.resblocks.0.mlp.c_fc.weight', 2, source)[0]
    # The number of heads leaves no trace in the weights.
    return dict(width=width, layers=blocks, patch_size=patch, image_size=patch * isqrt(max(tokens - 1, 1)),
                head_width=width, mlp_ratio=hidden / width,
                ls_init_value=1. if 'transformer.resblocks.0.ls_1.gamma' in state else None)


def audio_encoder_sizes(state: dict[str, Tensor], source: str) -> HTSATArch:
    """Return the sizes of an HTSAT.

    Args:
        state: The encoder's weights under our names.
        source: Where they come from, for the message.
    Raises:
        InputError: A weight that tells a size is missing.
    """
    stages = _count(state, r'layers\.(\d+)\.')
    depths = [_count(state, rf'layers\.{stage}\.blocks\.(\d+)\.') for stage in range(stages)]
    tables = [_shape(state, f'layers.{stage}.blocks.0.attn.relative_position_bias_table', 2, source)
              for stage in range(stages)]
    if not stages:
        raise InputError(f'{source}: has no layers.0: this is not the whole of an HTSAT.')
    window = (isqrt(tables[0][0]) + 1) // 2  # the table has (2 * window - 1) ** 2 rows
    mask = state.get('layers.0.blocks.1.attn_mask')  # one entry per window of the spectrogram
    classes = state.get('head.weight')
    return HTSATArch(
        embed_dims=_shape(state, 'patch_embed.norm.weight', 1, source)[0], depths=depths,
        num_heads=[heads for _, heads in tables], mel_bins=_shape(state, 'bn0.weight', 1, source)[0],
        spec_size=HTSATArch.spec_size if mask is None else _PATCH * window * isqrt(len(mask)), window_size=window,
        fusion='patch_embed.mel_conv2d.weight' in state,
        num_classes=HTSATArch.num_classes if classes is None else len(classes))


def _shape(state: dict[str, Tensor], key: str, dimensions: int, source: str) -> tuple[int, ...]:
    if key not in state:
        raise InputError(f'{source}: its weights are not whole: {key} is missing. Copy or download it again.')
    shape = tuple(state[key].shape)
    if len(shape) != dimensions:
        raise InputError(f'{source}: {key} has the shape {shape}, expected one of {dimensions} dimensions.')
    return shape


def _count(state: dict[str, Tensor], pattern: str) -> int:
    """Numbers that the keys count up to, from 0."""
    return 1 + max((int(found[1]) for found in (re.match(pattern, key) for key in state) if found), default=-1)


def complete_vision_encoder(state: State, source: str) -> nn.Module:
    """Check that the weights are those of a whole vision encoder.

    Args:
        state: Weights under our names.
        source: Where they come from, for the message.
    Returns: such a encoder, on torch's meta device.
    Raises:
        InputError: Keys are missing, unexpected or of another shape.
    """
    sizes = vision_encoder_sizes(state, source)
    with torch.device('meta'):
        encoder = build_vision_transformer(sizes)
    _check(encoder, state, source, f'ViT of width {sizes["width"]} with {sizes["layers"]} blocks')
    return encoder


def complete_audio_encoder(state: State, source: str) -> nn.Module:
    """Check that the weights are those of a whole HTSAT; its tagging heads may be missing.

    Args:
        state: Weights under our names.
        source: Where they come from, for the message.
    Returns: such a encoder, with random weights.
    Raises:
        InputError: Keys are missing, unexpected or of another shape.
    """
    sizes = audio_encoder_sizes(state, source)
    if any(sizes.embed_dims * 2 ** stage % heads for stage, heads in enumerate(sizes.num_heads)):
        raise InputError(f'{source}: the {sizes.embed_dims} channels of patch_embed.norm do not fit the heads '
                         f'{tuple(sizes.num_heads)} of relative_position_bias_table. Copy or download it again.')
    encoder = build_htsat(sizes, drop_path_rate=0.)
    _check(encoder, state, source, f'HTSAT of width {sizes.embed_dims} with {sum(sizes.depths)} blocks', CLAP_HEADS)
    return encoder


def _check(encoder: nn.Module, state: State, source: str, what: str, optional: tuple[str, ...] = ()) -> None:
    expected = encoder.state_dict()
    if optional and not any(key.startswith(optional) for key in state):
        expected = {key: value for key, value in expected.items() if not key.startswith(optional)}
    check_fit(expected, state, source, what)
