"""Strict loading of pretrained weights."""
import argparse
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from claip_emo_mm.compat.safe_load import load_from_local
from claip_emo_mm.errors import InputError
from claip_emo_mm.models.weights.formats import State, WeightFormat, find_format
from claip_emo_mm.models.weights.resolve import find_file
from claip_emo_mm.models.weights.torchscript import is_torchscript, read_torchscript

_WRAPPERS = ('state_dict', 'model', 'module')  # of MMEngine and laion_clap; the reference; DeepSpeed
_SHOWN = 10  # keys of an error message


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """Read the tensors of a safetensors file, torch checkpoint or TorchScript archive, on the CPU, in their dtypes.

    Raises:
        InputError: The file is missing, damaged, of another format, or holds something that could run code.
    """
    path = Path(path).expanduser()
    if path.is_dir():
        inside = sorted(file.name for file in path.iterdir() if file.suffix in ('.safetensors', '.bin', '.pt', '.pth'))
        raise InputError(f'{path}: is a folder, expected the file of weights in it. Found there: '
                         f'{", ".join(inside) or "no such file"}.')
    if not path.is_file():
        raise InputError(f'{path}: there is no such file of weights. Give the path of one, or pretrained=None for '
                         'random weights.')
    if is_torchscript(path):
        return read_torchscript(path)
    # The reference keeps its command line's arguments beside the weights.
    with torch.serialization.safe_globals([argparse.Namespace]):
        loaded = load_from_local(str(path), map_location='cpu')
    loaded = next((loaded[wrapper] for wrapper in _WRAPPERS if isinstance(loaded.get(wrapper), dict)), loaded)
    return {key: value for key, value in loaded.items() if isinstance(value, Tensor)}


def load_pretrained(encoder: nn.Module, source: str | Path, formats: Sequence[WeightFormat],
                    arch: str | dict | None = None) -> None:
    """Load an encoder's weights from a file in any of the formats, strictly.

    Args:
        encoder: The network; on torch's meta device, it takes the file's tensors as its own.
        source: The file, or ``'toy'``, or with an ``arch`` a tag of open_clip's weights, such as ``'openai'``.
        formats: Formats that the file may have.
        arch: open_clip's name of the encoder.
    Raises:
        InputError: The file is missing, unreadable, of an unknown format, or does not fit the encoder.
    """
    path = find_file(source, [known.packaged for known in formats if known.packaged], arch)
    state = read_weights(path)
    found = find_format(state, formats, str(path))
    print_log(f'Loading {path} ({found.name})', logger='current')
    state = found.encoder_state(state)
    unread = {key: value for key, value in encoder.state_dict().items()
              if found.optional and key.startswith(found.optional) and value.is_floating_point()}
    if unread and not set(unread) & set(state):
        print_log(f'{path} lacks {", ".join(unread)}, which nothing reads: set to zero', logger='current')
        state |= {key: torch.zeros(value.shape) for key, value in unread.items()}
    load_strictly(encoder, state, str(path))


def load_strictly(module: nn.Module, state: State, source: str) -> None:
    """Load a state dict that ``check_fit`` accepts."""
    check_fit(module.state_dict(), state, source, type(module).__name__)
    module.load_state_dict(state, strict=False, assign=True)


def check_fit(expected: State, state: State, source: str, what: str) -> None:
    """Compare the keys and shapes of a state dict with the expected ones.

    Integer buffers and the masks of HTSAT, which the model makes itself, may be missing.

    Args:
        expected: State dict of the model; its tensors may lie on torch's meta device.
        state: The state dict that was read.
        source, what: Its file and the name of the model, for the message.
    Raises:
        InputError: Keys are missing, unexpected or of another shape.
    """
    found = {
        'missing': [key for key, value in expected.items() if key not in state and value.is_floating_point()
                    and not key.endswith('attn_mask')],
        'unexpected': [key for key in state if key not in expected],
        'of another shape': [f'{key} {tuple(value.shape)}, expected {tuple(expected[key].shape)}'
                             for key, value in state.items() if key in expected and value.shape != expected[key].shape]}
    problems = [f'  {len(keys)} {kind}: {", ".join(keys[:_SHOWN])}{", ..." if len(keys) > _SHOWN else ""}'
                for kind, keys in found.items() if keys]
    if problems:
        raise InputError('\n'.join([f'{source}: its weights do not fit this {what}.', *problems,
                                    'Check that arch in the config is the one that the file was trained with.']))


def hash_weights(weights: Mapping[str, Tensor]) -> str:
    """SHA-256 over names, types, shapes and bytes, in the order of the names, the same with adapters as without."""
    named = {key.replace('.base_layer.', '.'): value for key, value in weights.items()}
    digest = hashlib.sha256()
    for key in sorted(named):
        value = named[key].detach().cpu().contiguous()
        digest.update(f'{key} {value.dtype} {tuple(value.shape)}\n'.encode())
        digest.update(value.flatten().view(torch.uint8).numpy())
    return digest.hexdigest()
