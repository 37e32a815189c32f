"""From a file of somebody else's weights to one of ours."""
from pathlib import Path

from mmengine.logging import print_log

from claip_emo_mm.errors import InputError
from claip_emo_mm.models.pretrained import AUDIO_FORMS, VISUAL_FORMS, find_form, read_weights, write_state
from claip_emo_mm.models.pretrained.writing import check_suffix, published_form
from claip_emo_mm.utils.io import check_writable

from .reference import adapter_facts, convert_reference, trained_part
from .towers import whole_audio_tower, whole_vision_tower

KINDS = ('clip', 'clap', 'reference')


def convert_weights(kind: str, source: Path, target: Path, adapters_only: bool = False,
                    overwrite: bool = False) -> str:
    """Convert a file of weights, strictly.

    Args:
        kind: ``'clip'`` writes a vision tower as open_clip publishes it, ``'clap'`` an audio tower as laion_clap does;
            a config names such a file as ``pretrained``. ``'reference'`` writes a checkpoint of the whole model.
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
            state, facts = trained_part(state), adapter_facts(state, str(source))
    else:
        form = find_form(state, VISUAL_FORMS if kind == 'clip' else AUDIO_FORMS, str(source))
        found = form.name
        state = form.tower_state(state)
        (whole_vision_tower if kind == 'clip' else whole_audio_tower)(state, str(source))
        state = published_form(state, kind)
    print_log(f'{source}: {found}', logger='current')
    write_state(state, target, note=f'converted from {source.name} ({found})', facts=facts)
    return found
