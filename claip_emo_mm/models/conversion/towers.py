"""Towers as published, checked for being whole."""
import torch
from torch import nn

from claip_emo_mm.errors import InputError
from claip_emo_mm.models.backbones.clip_visual_backbone import build_vision_transformer
from claip_emo_mm.models.backbones.htsat import build_htsat
from claip_emo_mm.models.pretrained.forms import CLAP_HEADS, State
from claip_emo_mm.models.pretrained.loading import check_fit

from .sizes import audio_tower_sizes, vision_tower_sizes


def whole_vision_tower(state: State, source: str) -> nn.Module:
    """Check that the weights are those of a whole vision tower.

    Args:
        state: Weights under our names.
        source: Where they come from, for the message.
    Returns: such a tower, on torch's meta device.
    Raises:
        InputError: Keys are missing, unexpected or of another shape.
    """
    sizes = vision_tower_sizes(state, source)
    with torch.device('meta'):
        tower = build_vision_transformer(sizes)
    _check(tower, state, source, f'ViT of width {sizes["width"]} with {sizes["layers"]} blocks')
    return tower


def whole_audio_tower(state: State, source: str) -> nn.Module:
    """Check that the weights are those of a whole HTSAT; its tagging heads may be missing.

    Args:
        state: Weights under our names.
        source: Where they come from, for the message.
    Returns: such a tower, with random weights.
    Raises:
        InputError: Keys are missing, unexpected or of another shape.
    """
    sizes = audio_tower_sizes(state, source)
    if any(sizes.embed_dims * 2 ** stage % heads for stage, heads in enumerate(sizes.num_heads)):
        raise InputError(f'{source}: the {sizes.embed_dims} channels of patch_embed.norm do not fit the heads '
                         f'{tuple(sizes.num_heads)} of relative_position_bias_table. Copy or download it again.')
    tower = build_htsat(sizes, drop_path_rate=0.)
    _check(tower, state, source, f'HTSAT of width {sizes.embed_dims} with {sum(sizes.depths)} blocks', CLAP_HEADS)
    return tower


def _check(tower: nn.Module, state: State, source: str, what: str, optional: tuple[str, ...] = ()) -> None:
    expected = tower.state_dict()
    if optional and not any(key.startswith(optional) for key in state):
        expected = {key: value for key, value in expected.items() if not key.startswith(optional)}
    check_fit(expected, state, source, what)
