"""Weights into a tower, strictly."""
from collections.abc import Sequence
from pathlib import Path

import torch
from mmengine.logging import print_log
from torch import nn

from claip_emo_mm.errors import InputError

from .forms import State, WeightForm, find_form
from .reading import read_weights
from .sources import find_file

_SHOWN = 10


def load_pretrained(tower: nn.Module, source: str | Path, forms: Sequence[WeightForm],
                    arch: str | dict | None = None) -> None:
    """Load a tower's weights from a file in any of the forms, strictly.

    Args:
        tower: The network; may lie on torch's meta device, then it takes the file's tensors as its own.
        source: The file, or ``'toy'``, or with an ``arch`` a tag of open_clip's weights, such as ``'openai'``.
        forms: Forms that the file may have.
        arch: open_clip's name of the tower.
    Raises:
        InputError: The file is missing, unreadable, of no known form, or does not fit the tower; the message names
            the keys.
    """
    path = find_file(source, [form.packaged for form in forms if form.packaged], arch)
    state = read_weights(path)
    form = find_form(state, forms, str(path))
    print_log(f'Loading {path} ({form.name})', logger='current')
    state = form.tower_state(state)
    unread = {key: value for key, value in tower.state_dict().items()
              if form.optional and key.startswith(form.optional) and value.is_floating_point()}
    if unread and not set(unread) & set(state):
        print_log(f'{path} lacks {", ".join(unread)}, which nothing reads: set to zero', logger='current')
        state |= {key: torch.zeros(value.shape) for key, value in unread.items()}
    load_strictly(tower, state, str(path))


def load_strictly(module: nn.Module, state: State, source: str) -> None:
    """Load ``state`` into ``module``; integer buffers, which are made anew, may be missing.

    Raises:
        InputError: Missing, unexpected or mis-shaped keys; ten of each are listed, with their count.
    """
    check_fit(module.state_dict(), state, source, type(module).__name__)
    module.load_state_dict(state, strict=False, assign=True)


def check_fit(expected: State, state: State, source: str, what: str) -> None:
    """Compare the keys and shapes of ``state`` with those of ``expected``.

    Integer buffers and the masks of HTSAT, which the model makes itself, may be missing.

    Args:
        expected: State dict of the model; its tensors may lie on torch's meta device.
        state: What was read.
        source: Where it was read, for the message.
        what: What it is for, for the message.
    Raises:
        InputError: Missing, unexpected or mis-shaped keys; ten of each are listed, with their count.
    """
    missing = [key for key, value in expected.items() if key not in state and value.is_floating_point()
               and not key.endswith('attn_mask')]
    unexpected = [key for key in state if key not in expected]
    misshapen = [f'{key} {tuple(value.shape)}, expected {tuple(expected[key].shape)}'
                 for key, value in state.items() if key in expected and value.shape != expected[key].shape]
    problems = [f'  {len(keys)} {kind}: {", ".join(keys[:_SHOWN])}{", ..." if len(keys) > _SHOWN else ""}'
                for kind, keys in (('missing', missing), ('unexpected', unexpected), ('of another shape', misshapen))
                if keys]
    if problems:
        raise InputError('\n'.join([f'{source}: its weights do not fit this {what}.', *problems,
                                    'Check that arch in the config is the one that the file was trained with.']))
