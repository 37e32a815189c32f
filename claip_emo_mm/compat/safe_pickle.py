"""Plain pickles read without running anything that they hold."""
import io
import pickle
from collections import OrderedDict
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import ZipFile, is_zipfile

import torch
from torch import Tensor

from claip_emo_mm.compat.pickle_stubs import NUMPY_STAND_INS, read_empty_bytes, unwrap

_DTYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16,
           torch.int8, torch.uint8, torch.bool)
_PLAIN = (str, bytes, int, float, complex, bool, type(None))
_MOST_TUPLES = 64
_OLD_FORMAT_PICKLES = 4  # before the storages: a number, a version, the system, what was saved


class RefusedGlobal(pickle.UnpicklingError):
    """A pickle names a function or a class that it does not need; the message is its name."""


class DeepTuples(pickle.UnpicklingError):
    """A pickle nests tuples deeper than anything that is saved."""


class SafeUnpickler(pickle._Unpickler):
    """Builds plain containers and what is allowed by name, and nothing else.

    Python's own reader in Python, not the one in C: that one makes room for as many memoised things as a pickle claims
    to have, and a file of a few bytes fills the memory.

    Args:
        data: the pickle, or an opened file that stands where it begins.
        allowed: 'module.name' in the pickle -> the function or class that is called in its place, such as the stand-ins
            of `claip_emo_mm.compat.pickle_stubs`.
    Raises:
        RefusedGlobal: the pickle names something else.
        Exception: whatever a damaged pickle raises: EOFError, KeyError, RecursionError and more.
    """

    dispatch = dict(pickle._Unpickler.dispatch)

    def __init__(self, data: bytes | BinaryIO, allowed: Mapping[str, Any] = {}) -> None:  # noqa: B006 - only read
        super().__init__(io.BytesIO(data) if isinstance(data, bytes) else data)
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

    def check_keys(self, keys: list) -> None:
        """Refuse keys of a dict, or members of a set, that are more than numbers, texts and tuples of them."""
        for key in keys:
            parts = key if type(key) is tuple else (key,)
            if not all(isinstance(part, _PLAIN) for part in parts):
                raise pickle.UnpicklingError(f'Unsupported key of a dict, a {type(key).__name__}')

    def load_setitem(self) -> None:
        """Add to a dict, by a key whose hash is no matter of depth: deeply nested tuples crash Python."""
        self.check_keys(self.stack[-2:-1])
        super().load_setitem()

    def load_setitems(self) -> None:
        """Add to a dict."""
        self.check_keys(self.stack[::2])
        super().load_setitems()

    def load_dict(self) -> None:
        """Make a dict."""
        self.check_keys(self.stack[::2])
        super().load_dict()

    def load_additems(self) -> None:
        """Add to a set."""
        self.check_keys(self.stack)
        super().load_additems()

    def load_frozenset(self) -> None:
        """Make a frozen set."""
        self.check_keys(self.stack)
        super().load_frozenset()

    dispatch[pickle.BUILD[0]] = load_build
    dispatch[pickle.SETITEM[0]] = load_setitem
    dispatch[pickle.SETITEMS[0]] = load_setitems
    dispatch[pickle.DICT[0]] = load_dict
    dispatch[pickle.ADDITEMS[0]] = load_additems
    dispatch[pickle.FROZENSET[0]] = load_frozenset


class _Anything:
    """Stands for whatever a pickle makes."""

    def __new__(cls, *args: object, **kwargs: object) -> '_Anything':
        return super().__new__(cls)

    def __call__(self, *args: object) -> '_Anything':
        """Stand for what a function or a class makes."""
        return self

    def __setitem__(self, key: object, value: object) -> None:
        """Take an item."""

    def extend(self, items: object) -> None:
        """Take items."""

    append = extend


class _MeasuredTuple(tuple):
    """A tuple that knows how deep tuples lie in it."""

    depth: int


class _DepthReader(SafeUnpickler):
    """Reads a pickle for the tuples in it alone, and makes nothing that it names."""

    def find_class(self, module: str, name: str) -> Any:
        """Return what stands for anything."""
        return _Anything

    def persistent_load(self, pid: object) -> Any:
        """Return what stands for numbers that lie outside of the pickle."""
        return _Anything()

    def load_build(self) -> None:
        """Drop the state of an object."""
        self.stack.pop()

    def load_newobj(self) -> None:
        """Make an object of whatever stands for a class."""
        self.stack.pop()
        self.stack[-1] = _Anything()

    def load_newobj_ex(self) -> None:
        """Make an object from arguments with names, too."""
        self.stack.pop()
        self.load_newobj()

    def check_keys(self, keys: list) -> None:
        """Take any key: no tuple is deep."""

    def load_tuple(self) -> None:
        """Make a tuple of what stands behind the mark."""
        super().load_tuple()
        self._measure()

    def load_tuple1(self) -> None:
        """Make a tuple of one."""
        super().load_tuple1()
        self._measure()

    def load_tuple2(self) -> None:
        """Make a tuple of two."""
        super().load_tuple2()
        self._measure()

    def load_tuple3(self) -> None:
        """Make a tuple of three."""
        super().load_tuple3()
        self._measure()

    def _measure(self) -> None:
        made = _MeasuredTuple(self.stack[-1])
        made.depth = 1 + max((part.depth for part in made if isinstance(part, _MeasuredTuple)), default=0)
        if made.depth > _MOST_TUPLES:
            raise DeepTuples(f'Unsupported tuples, more than {_MOST_TUPLES} in each other')
        self.stack[-1] = made

    dispatch = {**SafeUnpickler.dispatch, pickle.BUILD[0]: load_build, pickle.NEWOBJ[0]: load_newobj,
                pickle.NEWOBJ_EX[0]: load_newobj_ex, pickle.TUPLE[0]: load_tuple, pickle.TUPLE1[0]: load_tuple1,
                pickle.TUPLE2[0]: load_tuple2, pickle.TUPLE3[0]: load_tuple3}


def check_depth(path: Path) -> None:
    """Refuse a file of torch.save with tuples in tuples in tuples, and so on: Python crashes when it hashes them.

    What else is wrong with a file is left to torch's own reader to say.

    Raises:
        DeepTuples: there are some.
    """
    try:
        with path.open('rb') as file:
            if is_zipfile(file):
                with ZipFile(file) as archive:
                    for name in archive.namelist():
                        if name.endswith('data.pkl'):
                            _DepthReader(archive.read(name)).load()
                return
            file.seek(0)
            for _ in range(_OLD_FORMAT_PICKLES):
                _DepthReader(file).load()
    except DeepTuples:
        raise
    except Exception:  # a damaged file, or no pickle at all: torch's reader meets the same, and tells of it
        return


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


def _ordered_dict() -> OrderedDict:
    """An empty one; its items come one by one."""
    return OrderedDict()


def _encode_latin1(text: str, encoding: str) -> bytes:
    """What older pickles write bytes as."""
    if encoding != 'latin1':
        raise pickle.UnpicklingError(f'Unsupported encoding {encoding!r}')
    return text.encode(encoding)
