"""Plain pickles read without running anything that they hold."""
import io
import pickle
from collections import OrderedDict
from collections.abc import Mapping
from math import prod
from typing import Any

import torch
from torch import Tensor

from claip_emo_mm.host.stand_ins import NUMPY_STAND_INS, read_empty_bytes, unwrap

_DTYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16,
           torch.int8, torch.uint8, torch.bool)
_PLAIN = (str, bytes, int, float, complex, bool, type(None))


class RefusedGlobal(pickle.UnpicklingError):
    """A pickle names a function or a class that it does not need; the message is its name."""


class SafeUnpickler(pickle._Unpickler):
    """Builds plain containers and what is allowed by name, and nothing else.

    Python's own reader in Python, not the one in C: that one makes room for as many memoised things as a pickle claims
    to have, and a file of a few bytes fills the memory.

    Args:
        data: the pickle.
        allowed: 'module.name' in the pickle -> the function or class that is called in its place, such as the stand-ins
            of `claip_emo_mm.host.stand_ins`.
    Raises:
        RefusedGlobal: the pickle names something else.
        Exception: whatever a damaged pickle raises: EOFError, KeyError, RecursionError and more.
    """

    dispatch = dict(pickle._Unpickler.dispatch)

    def __init__(self, data: bytes, allowed: Mapping[str, Any] = {}) -> None:  # noqa: B006 - it is only read
        super().__init__(io.BytesIO(data))
        self._allowed = {**allowed, 'collections.OrderedDict': _ordered_dict, '_codecs.encode': _encode_latin1,
                         'builtins.bytes': read_empty_bytes, '__builtin__.bytes': read_empty_bytes}
        self._stateful = tuple(kind for kind in allowed.values() if hasattr(kind, '__setstate__'))

    def find_class(self, module: str, name: str) -> Any:
        """Return what stands for a global of the pickle; never the thing that it names."""
        if f'{module}.{name}' not in self._allowed:
            raise RefusedGlobal(f'{module}.{name}')
        return self._allowed[f'{module}.{name}']

    def persistent_load(self, pid: object) -> Any:
        """Refuse what lies outside of the pickle."""
        raise pickle.UnpicklingError('Unsupported persistent id')

    def get_extension(self, code: int) -> None:
        """Refuse what the process has registered under a number."""
        raise pickle.UnpicklingError(f'Unsupported extension {code}')

    def load_build(self) -> None:
        """Give an object its state, if it is one that a stand-in has made; never a class or a function."""
        made = self.stack[-2] if len(self.stack) > 1 else None
        if type(made) not in self._stateful:
            raise pickle.UnpicklingError(f'Unsupported state of a {type(made).__name__}')
        super().load_build()

    def load_setitem(self) -> None:
        """Add to a dict, by a key whose hash is no matter of depth: deeply nested tuples crash Python."""
        _check_keys(self.stack[-2:-1])
        super().load_setitem()

    def load_setitems(self) -> None:
        """Add to a dict."""
        _check_keys(self.stack[::2])
        super().load_setitems()

    def load_dict(self) -> None:
        """Make a dict."""
        _check_keys(self.stack[::2])
        super().load_dict()

    def load_additems(self) -> None:
        """Add to a set."""
        _check_keys(self.stack)
        super().load_additems()

    def load_frozenset(self) -> None:
        """Make a frozen set."""
        _check_keys(self.stack)
        super().load_frozenset()

    dispatch[pickle.BUILD[0]] = load_build
    dispatch[pickle.SETITEM[0]] = load_setitem
    dispatch[pickle.SETITEMS[0]] = load_setitems
    dispatch[pickle.DICT[0]] = load_dict
    dispatch[pickle.ADDITEMS[0]] = load_additems
    dispatch[pickle.FROZENSET[0]] = load_frozenset


def load_pickle(data: bytes) -> Any:
    """Read a pickle of tensors, arrays, numbers and plain containers, such as MMAction2's DumpResults writes.

    Raises:
        RefusedGlobal: it holds something else.
        Exception: whatever a damaged pickle raises.
    """
    return unwrap(SafeUnpickler(data, NUMPY_STAND_INS | {'torch._utils._rebuild_tensor_v2': rebuild_tensor,
                                                         'torch.storage._load_from_bytes': _load_storage}).load())


def rebuild_tensor(storage: Tensor, offset: int, size: tuple[int, ...], stride: tuple[int, ...],
                   *ignored: object) -> Tensor:
    """Stand for what torch pickles to build a tensor, on a storage (n,); it must lie within, and be no larger."""
    if not isinstance(storage, Tensor) or prod(size) > len(storage):
        raise pickle.UnpicklingError('Unsupported tensor, larger than what is stored of it')
    # as_strided itself refuses what would lie outside of the storage.
    return storage.as_strided(size, stride, offset) if prod(size) else storage.new_empty(size)


def _load_storage(data: bytes) -> Tensor:
    """The numbers of a tensor (n,), from the file of torch in which it lies in a pickle."""
    try:
        storage = torch.load(io.BytesIO(data), weights_only=True)
    except Exception:  # its message recommends weights_only=False, so it is not shown
        storage = None
    if not isinstance(storage, torch.TypedStorage) or storage.dtype not in _DTYPES:
        raise pickle.UnpicklingError('Unsupported storage of a tensor')
    return torch.empty(0, dtype=storage.dtype).set_(storage._untyped_storage)


def _check_keys(keys: list) -> None:
    for key in keys:
        if not isinstance(key, _PLAIN) and not (type(key) is tuple and all(isinstance(part, _PLAIN) for part in key)):
            raise pickle.UnpicklingError(f'Unsupported key of a dict, a {type(key).__name__}')


def _ordered_dict() -> OrderedDict:
    """An empty one; its items come one by one."""
    return OrderedDict()


def _encode_latin1(text: str, encoding: str) -> bytes:
    """What older pickles write bytes as."""
    if encoding != 'latin1':
        raise pickle.UnpicklingError(f'Unsupported encoding {encoding!r}')
    return text.encode(encoding)
