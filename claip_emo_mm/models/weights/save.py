"""Atomic writing of weight files."""
import io
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from claip_emo_mm.errors import InputError
from claip_emo_mm.models.weights.formats import AUDIO_FORMATS, VISUAL_FORMATS, State, fuse_separate_projections
from claip_emo_mm.utils.io import atomic_write, save_tensors
from claip_emo_mm.version import META_KEY

SUFFIXES = ('.safetensors', '.pth', '.pt', '.bin')


def write_encoder(encoder: nn.Module, path: Path, kind: str, note: str) -> None:
    """Write an encoder without adapters as open_clip (``kind='clip'``) or laion_clap (``'clap'``) publishes it."""
    write_state(published_format(encoder.state_dict(), kind), path, note)


def published_format(state: State, kind: str) -> State:
    """Name an encoder's weights as open_clip (``kind='clip'``) or laion_clap (``'clap'``) does, without int buffers."""
    state = {key: value for key, value in state.items() if value.is_floating_point()}
    if kind == 'clip':
        state = fuse_separate_projections(state)
    prefix = {'clip': VISUAL_FORMATS, 'clap': AUDIO_FORMATS}[kind][0].prefix
    return {prefix + key: value for key, value in state.items()}


def write_state(state: State, path: Path, note: str, metadata: dict[str, Any] | None = None) -> None:
    """Write named tensors as safetensors, or as a torch checkpoint with ``state_dict`` and ``meta``, atomically.

    Args:
        state: The tensors.
        path: The file; its suffix decides the format.
        note: Text for the file's header, or for ``meta``.
        metadata: Metadata of a checkpoint; stored there, too.
    """
    check_suffix(path)
    # Without views: a view would drag the whole of its storage into the file, or be refused.
    tensors = {key: value.detach().clone(memory_format=torch.contiguous_format) if _is_view(value) else
               value.detach() for key, value in state.items()}
    with atomic_write(path) as part:
        if path.suffix == '.safetensors':
            header = {} if metadata is None else {META_KEY: json.dumps(metadata)}
            save_tensors(tensors, part, dict(header, format='pt', note=note))
        else:
            meta = {} if metadata is None else {META_KEY: metadata}
            content = io.BytesIO()  # torch reports a full disk without a reason
            torch.save(dict(meta=dict(meta, note=note), state_dict=tensors), content)
            part.write_bytes(content.getbuffer())


def check_suffix(path: Path) -> None:
    """Raise InputError for a file name whose suffix does not say what to write."""
    if path.suffix not in SUFFIXES:
        raise InputError(f'{path}: the suffix says how to write the file; expected one of {", ".join(SUFFIXES)}.')


def _is_view(value: Tensor) -> bool:
    return not value.is_contiguous() or value.untyped_storage().nbytes() != value.numel() * value.element_size()
