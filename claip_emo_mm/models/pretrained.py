"""Weights of the towers, from the forms in which they are published."""
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import safetensors.torch
import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from claip_emo_mm.errors import InputError
from claip_emo_mm.models.attention import fuse_separate_projections, split_fused_projections

State = dict[str, Tensor]


@dataclass(frozen=True)
class WeightForm:
    """A published form of a tower's weights.

    Args:
        name: What the log calls it.
        prefix: What stands in front of the tower's keys.
        marker: Key of the tower, behind the prefix, by which the form is recognised.
        unused: Beginnings of the tower's keys that our tower does not have.
        convert: Renames the keys to the tower's.
        packaged: Name, below ``claip_emo_mm/weights``, of the weights called ``'toy'`` in this form; '' for none.
    """
    name: str
    prefix: str
    marker: str
    unused: tuple[str, ...]
    convert: Callable[[State], State] = dict
    packaged: str = ''


def _clip_form(name: str, prefix: str, packaged: str = '') -> WeightForm:
    return WeightForm(name, prefix, 'class_embedding', ('proj',), split_fused_projections, packaged)


def _clap_form(name: str, prefix: str, packaged: str = '') -> WeightForm:
    return WeightForm(name, prefix, 'bn0.running_mean', ('spectrogram_extractor.', 'logmel_extractor.'), dict, packaged)


VISUAL_FORMS = (_clip_form('open_clip or OpenAI CLIP', 'visual.', 'toy_clip.safetensors'),
                _clip_form('open_clip, vision tower alone', ''))
AUDIO_FORMS = (_clap_form('LAION CLAP', 'audio_branch.', 'toy_clap.safetensors'),
               _clap_form('LAION CLAP, data parallel', 'module.audio_branch.'),
               _clap_form('LAION CLAP, audio branch alone', ''))


def load_pretrained(tower: nn.Module, source: str | Path, forms: Sequence[WeightForm]) -> None:
    """Load a tower's weights from a file in any of the forms, strictly.

    Args:
        tower: The network; may lie on torch's meta device, then it takes the file's tensors as its own.
        source: The file, or ``'toy'``.
        forms: Forms that the file may have.
    Raises:
        InputError: The file is missing, unreadable, of no known form, or does not fit the tower; the message names
            the keys.
    """
    packaged = [form.packaged for form in forms if form.packaged]
    path = Path(str(files('claip_emo_mm') / 'weights' / packaged[0])) if source == 'toy' else Path(source)
    state = read_weights(path)
    for form in forms:
        if form.prefix + form.marker in state:
            break
    else:
        raise InputError(f'{path}: holds none of the forms {", ".join(form.name for form in forms)}. It has '
                         f'{len(state)} keys, the first are {", ".join(sorted(state)[:5])}. '
                         'Check that this is the file of the right tower.')
    print_log(f'Loading {path} ({form.name})', logger='current')
    tower_state = {key.removeprefix(form.prefix): value.float() for key, value in state.items()
                   if key.startswith(form.prefix) and not key.removeprefix(form.prefix).startswith(form.unused)
                   and value.is_floating_point()}
    load_strictly(tower, form.convert(tower_state), str(path))


def read_weights(path: Path) -> State:
    """Read the tensors of a safetensors file or of a torch checkpoint; no code of the file is run.

    Raises:
        InputError: The file is missing, cut, or not such a file.
    """
    if not path.is_file():
        raise InputError(f'{path}: there is no such file of weights. Give the path of one, or pretrained=None for '
                         'random weights.')
    try:
        if path.suffix == '.safetensors':
            return safetensors.torch.load_file(path)
        loaded = torch.load(path, map_location='cpu', weights_only=True)
    except Exception as error:
        raise InputError(f'{path}: is not a readable file of weights ({type(error).__name__}: '
                         f'{str(error).splitlines()[0]}). Expected a .safetensors file or a checkpoint that holds '
                         'tensors only. Fetch it again.') from error
    loaded = loaded.get('state_dict', loaded) if isinstance(loaded, dict) else {}
    return {key: value for key, value in loaded.items() if isinstance(value, Tensor)}


def load_strictly(module: nn.Module, state: State, source: str) -> None:
    """Load ``state`` into ``module``; integer buffers, which are made anew, may be missing.

    Raises:
        InputError: Missing, unexpected or mis-shaped keys; ten of each are listed, with their count.
    """
    expected = module.state_dict()
    missing = [key for key, value in expected.items() if key not in state and value.is_floating_point()
               and not key.endswith('attn_mask')]
    unexpected = [key for key in state if key not in expected]
    misshapen = [f'{key} {tuple(value.shape)}, expected {tuple(expected[key].shape)}'
                 for key, value in state.items() if key in expected and value.shape != expected[key].shape]
    problems = [f'  {len(keys)} {kind}: {", ".join(keys[:10])}{", ..." if len(keys) > 10 else ""}'
                for kind, keys in (('missing', missing), ('unexpected', unexpected), ('of another shape', misshapen))
                if keys]
    if problems:
        raise InputError('\n'.join([f'{source}: its weights do not fit this {type(module).__name__}.', *problems,
                                    'Check that arch in the config is the one that the file was trained with.']))
    module.load_state_dict(state, strict=False, assign=True)


def write_tower(tower: nn.Module, path: Path, kind: str, note: str) -> None:
    """Write a tower without adapters in the form in which CLIP or CLAP is published.

    Args:
        tower: The network.
        path: The ``.safetensors`` file; it takes its name when it is complete.
        kind: ``'clip'`` or ``'clap'``.
        note: Goes into the file's header.
    """
    state = {key: value for key, value in tower.state_dict().items() if value.is_floating_point()}
    if kind == 'clip':
        state = fuse_separate_projections(state)
    form = {'clip': VISUAL_FORMS, 'clap': AUDIO_FORMS}[kind][0]
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f'{path.name}.part')
    safetensors.torch.save_file({form.prefix + key: value.contiguous() for key, value in state.items()}, part,
                                metadata=dict(format='pt', note=note))
    os.replace(part, path)
