"""The sizes of a tower, read off the shapes of its weights."""
import re
from math import isqrt

from torch import Tensor

from claip_emo_mm.errors import InputError
from claip_emo_mm.models.backbones.htsat import HTSATArch

_PATCH = 4  # pixels, of every HTSAT


def vision_tower_sizes(state: dict[str, Tensor], source: str) -> dict:
    """Return the fields of open_clip's ``CLIPVisionCfg`` that decide which keys a plain ViT has, and their shapes.

    Args:
        state: The tower's weights under our names.
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


def audio_tower_sizes(state: dict[str, Tensor], source: str) -> HTSATArch:
    """Return the sizes of an HTSAT.

    Args:
        state: The tower's weights under our names.
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
