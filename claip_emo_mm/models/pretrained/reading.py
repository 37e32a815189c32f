"""The tensors of a file of weights, whatever wrote it; no code of the file is run."""
import argparse
from pathlib import Path

import torch
from torch import Tensor

from claip_emo_mm.errors import InputError
from claip_emo_mm.host.safe_loading import load_from_local
from claip_emo_mm.host.safe_pickle import RefusedGlobal

from .torchscript import is_torchscript, read_torchscript

# Under which trainings keep the weights: mmengine and laion_clap; the reference; DeepSpeed.
_WRAPPERS = ('state_dict', 'model', 'module')


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """Read the tensors of a safetensors file, of a torch checkpoint or of a TorchScript archive.

    Returns: tensors by their names, on the CPU, in the dtypes of the file.
    Raises:
        InputError: The file is missing, damaged, no such file, or holds something that could run code.
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
        return _read_archive(path)
    # The reference and its kin keep their command line's arguments beside the weights: a plain bag of attributes.
    with torch.serialization.safe_globals([argparse.Namespace]):
        loaded = load_from_local(str(path), map_location='cpu')
    for wrapper in _WRAPPERS:
        if isinstance(loaded.get(wrapper), dict):
            loaded = loaded[wrapper]
            break
    return {key: value for key, value in loaded.items() if isinstance(value, Tensor)}


def _read_archive(path: Path) -> dict[str, Tensor]:
    try:
        return read_torchscript(path)
    except MemoryError:
        raise
    except RefusedGlobal as error:
        raise InputError(f'{path}: this TorchScript archive holds {error}, expected modules and tensors. '
                         'Loading such a thing can run code, so nothing of the file was loaded. '
                         'Fetch the weights from their publisher.') from None
    except Exception as error:  # a damaged file can raise nearly anything
        raise InputError(f'{path}: cannot be read as a TorchScript archive ({type(error).__name__}: {error}). '
                         'Copy or download it again: it may be damaged.') from None
