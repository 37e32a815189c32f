"""Tensors of a TorchScript archive, OpenAI's format of CLIP, read without running its code."""
import pickle
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from claip_emo_mm.compat.safe_pickle import RefusedGlobal, SafeUnpickler, rebuild_tensor
from claip_emo_mm.errors import InputError

_DTYPES = {'DoubleStorage': torch.float64, 'FloatStorage': torch.float32, 'HalfStorage': torch.float16,
           'BFloat16Storage': torch.bfloat16, 'LongStorage': torch.int64, 'IntStorage': torch.int32,
           'ShortStorage': torch.int16, 'CharStorage': torch.int8, 'ByteStorage': torch.uint8,
           'BoolStorage': torch.bool}


def is_torchscript(path: Path) -> bool:
    """Whether the file is a TorchScript archive, by the entry that torch itself checks."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.count('/') == 1 and name.endswith('/constants.pkl') for name in archive.namelist())


def read_torchscript(path: Path) -> dict[str, Tensor]:
    """Read parameters and buffers as ``torch.jit.load(path).state_dict()`` would, on the CPU, in their dtypes.

    ``torch.load(weights_only=True)`` refuses such archives, and ``torch.jit.load`` runs some of the code inside. An
    archive is a zip file with a pickle of the module tree and one entry per tensor. Its pickle is read with nothing
    allowed but tensors, lists and modules, which become stubs (else ``InputError``); code is not opened.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            root = next(name for name in archive.namelist() if name.endswith('/constants.pkl')).rpartition('/')[0]
            return dict(_named_tensors(_ModuleTreeUnpickler(archive, root).load()))
    except MemoryError:
        raise
    except RefusedGlobal as error:
        raise InputError(f'{path}: this TorchScript archive holds {error}, expected modules and tensors. '
                         'It can run code, so nothing of the file was loaded. Fetch it from its publisher.') from None
    except Exception as error:  # a damaged file can raise nearly anything
        raise InputError(f'{path}: cannot be read as a TorchScript archive ({type(error).__name__}: {error}). '
                         'Copy or download it again: it may be damaged.') from None


class _Module:
    """Stub for every module of an archive: its attributes, and nothing to call."""

    def __init__(self, *ignored: object) -> None:
        self.attributes: dict[str, Any] = {}

    def __setstate__(self, state: object) -> None:
        if isinstance(state, dict):
            self.attributes = state


def _named_tensors(module: object, prefix: str = '') -> Iterator[tuple[str, Tensor]]:
    for name, value in module.attributes.items() if isinstance(module, _Module) else ():
        if isinstance(value, Tensor):
            yield f'{prefix}{name}', value
        else:
            yield from _named_tensors(value, f'{prefix}{name}.')


class _ModuleTreeUnpickler(SafeUnpickler):
    """Unpickler of ``data.pkl`` in the root folder of an archive."""

    def __init__(self, archive: zipfile.ZipFile, root: str) -> None:
        super().__init__(archive.read(f'{root}/data.pkl'), {
            '__torch__': _Module, 'torch._utils._rebuild_tensor_v2': rebuild_tensor,
            **{f'torch.{name}': dtype for name, dtype in _DTYPES.items()}})
        self._archive, self._root = archive, root
        self._storages: dict[str, Tensor] = {}

    def find_class(self, module: str, name: str) -> Any:
        """Return the stub for a global of the pickle, never the object that it names."""
        if module == '__torch__' or module.startswith('__torch__.'):
            return _Module
        if module == 'torch.jit._pickle':  # build_intlist and its like, restore_type_tag
            return lambda value, *ignored: value
        return super().find_class(module, name)

    def persistent_load(self, pid: tuple) -> Tensor:
        """Return a storage as a flat tensor."""
        kind, dtype, key, _, numel = pid
        if kind != 'storage' or not isinstance(dtype, torch.dtype):
            raise pickle.UnpicklingError(f'Unsupported persistent id {kind!r}')
        if key not in self._storages:
            data = bytearray(self._archive.read(f'{self._root}/data/{key}'))  # checks the entry's CRC-32
            self._storages[key] = torch.frombuffer(data, dtype=dtype, count=numel) if numel else torch.empty(0)
        return self._storages[key]
