"""Unpicklers that run nothing of what a pickle holds."""
import io
import pickle
from collections import OrderedDict
from collections.abc import Callable, Mapping
from math import prod
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import ZipFile, is_zipfile

import torch
from torch import Tensor

from claip_emo_mm.compat.pickle_stubs import NUMPY_STUBS, unwrap

_DTYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16,
           torch.int8, torch.uint8, torch.bool)
_PLAIN = (str, bytes, int, float, complex, bool, type(None))
_MAX_DEPTH = 64  # of tuples
_OLD_FORMAT_PICKLES = 4  # before the storages: a number, a version, the system, what was saved


class RefusedGlobal(pickle.UnpicklingError):
    """A pickle names a function or a class that is not allowed; the message is its name."""


class DeepTuples(pickle.UnpicklingError):
    """A pickle nests tuples deeper than anything that is saved."""


class SafeUnpickler(pickle._Unpickler):
    """Builds plain containers and what is allowed by name, and nothing else.

    This is Python's own unpickler in Python: the one in C allocates as many memo entries as a pickle claims to have,
    so that a file of a few bytes fills the memory. `allowed` maps 'module.name' in the pickle to the function or class
    to call instead. A damaged pickle may raise any exception.
    """

    dispatch = dict(pickle._Unpickler.dispatch)

    def __init__(self, data: bytes | BinaryIO, allowed: Mapping[str, Any] = {}) -> None:  # noqa: B006 - only read
        super().__init__(io.BytesIO(data) if isinstance(data, bytes) else data)
        self._allowed = {**allowed, 'collections.OrderedDict': lambda: OrderedDict(),  # items are set with checked keys
                         '_codecs.encode': _encode_latin1, 'builtins.bytes': lambda: b'',
                         '__builtin__.bytes': lambda: b''}
        self._stateful = tuple(kind for kind in allowed.values() if hasattr(kind, '__setstate__'))

    def find_class(self, module: str, name: str) -> Any:
        """Return the replacement of a global; never the object that it names."""
        if f'{module}.{name}' not in self._allowed:
            raise RefusedGlobal(f'{module}.{name}')
        return self._allowed[f'{module}.{name}']

    def get_extension(self, code: int) -> None:
        """Refuse objects that the process has registered under a number."""
        raise pickle.UnpicklingError(f'Unsupported extension {code}')

    def load_build(self) -> None:
        """Set the state of an instance of a stub; never of a class or a function."""
        built = self.stack[-2] if len(self.stack) > 1 else None
        if type(built) not in self._stateful:
            raise pickle.UnpicklingError(f'Unsupported state of a {type(built).__name__}')
        super().load_build()

    dispatch[pickle.BUILD[0]] = load_build

    def check_keys(self, keys: list) -> None:
        """Allow numbers, texts and flat tuples of them: hashing deeply nested tuples crashes Python."""
        for key in keys:
            if not all(isinstance(entry, _PLAIN) for entry in (key if type(key) is tuple else (key,))):
                raise pickle.UnpicklingError(f'Unsupported key of a dict, a {type(key).__name__}')


def _with_checked_keys(load: Callable[[SafeUnpickler], None], keys: slice) -> Callable[[SafeUnpickler], None]:
    def load_checked(self: SafeUnpickler) -> None:
        self.check_keys(self.stack[keys])
        load(self)

    return load_checked


for _opcode, _keys in ((pickle.SETITEM, slice(-2, -1)), (pickle.SETITEMS, slice(None, None, 2)),
                       (pickle.DICT, slice(None, None, 2)), (pickle.ADDITEMS, slice(None)),
                       (pickle.FROZENSET, slice(None))):  # which entries of the unpickler's stack become keys
    SafeUnpickler.dispatch[_opcode[0]] = _with_checked_keys(SafeUnpickler.dispatch[_opcode[0]], _keys)


class _Anything:
    """Stub of whatever a pickle names or builds."""

    def __setitem__(self, key: object, value: object) -> None:
        pass

    def extend(self, items: object) -> None:
        pass

    append = extend


class _MeasuredTuple(tuple):
    depth: int


class _DepthReader(SafeUnpickler):
    """Measures how deep tuples are nested, and builds nothing else that the pickle names."""

    dispatch = dict(SafeUnpickler.dispatch)

    def find_class(self, module: str, name: str) -> _Anything:
        return _Anything()

    def persistent_load(self, pid: object) -> _Anything:
        return _Anything()

    def load_build(self) -> None:
        self.stack.pop()

    def load_reduce(self) -> None:
        self.stack.pop()
        self.stack[-1] = _Anything()

    def load_newobj_ex(self) -> None:
        self.stack.pop()
        self.load_reduce()

    dispatch.update({pickle.BUILD[0]: load_build, pickle.REDUCE[0]: load_reduce, pickle.NEWOBJ[0]: load_reduce,
                     pickle.NEWOBJ_EX[0]: load_newobj_ex})

    def check_keys(self, keys: list) -> None:
        """Allow any key: no tuple is deep."""


def _with_depth(load: Callable[[_DepthReader], None]) -> Callable[[_DepthReader], None]:
    def load_measured(self: _DepthReader) -> None:
        load(self)
        built = _MeasuredTuple(self.stack[-1])
        built.depth = 1 + max((entry.depth for entry in built if isinstance(entry, _MeasuredTuple)), default=0)
        if built.depth > _MAX_DEPTH:
            raise DeepTuples(f'Unsupported tuples, more than {_MAX_DEPTH} in each other')
        self.stack[-1] = built

    return load_measured


for _opcode in (pickle.TUPLE, pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3):
    _DepthReader.dispatch[_opcode[0]] = _with_depth(_DepthReader.dispatch[_opcode[0]])


def check_depth(path: Path) -> None:
    """Raise `DeepTuples` for a file of torch.save with deeply nested tuples, which crash Python when it hashes them."""
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
    except Exception:  # a damaged file, or no pickle at all: torch's reader meets the same, and reports it
        return


def load_pickle(data: bytes) -> Any:
    """Read a pickle of tensors, arrays, numbers and plain containers, such as MMAction2's DumpResults writes."""
    return unwrap(SafeUnpickler(data, NUMPY_STUBS | {'torch._utils._rebuild_tensor_v2': rebuild_tensor,
                                                     'torch.storage._load_from_bytes': _load_storage}).load())


def one_line(error: object) -> str:
    """The message of an error in one line, or its type where it has none."""
    return ' '.join(str(error).split()) or type(error).__name__


def rebuild_tensor(storage: Tensor, offset: int, size: tuple[int, ...], stride: tuple[int, ...],
                   *ignored: object) -> Tensor:
    """Replace what torch pickles to build a tensor on a storage (n,); it must lie within, and be no larger."""
    if not isinstance(storage, Tensor) or prod(size) > len(storage):
        raise pickle.UnpicklingError('Unsupported tensor, larger than what is stored of it')
    return storage.as_strided(size, stride, offset) if prod(size) else storage.new_empty(size)  # or refuses


def _load_storage(data: bytes) -> Tensor:
    """A tensor's numbers (n,), from the file of torch.save that a pickle holds of them."""
    try:
        storage = torch.load(io.BytesIO(data), weights_only=True)
    except Exception:  # its message recommends weights_only=False, so it is not shown
        storage = None
    if not isinstance(storage, torch.TypedStorage) or storage.dtype not in _DTYPES:
        raise pickle.UnpicklingError('Unsupported storage of a tensor')
    return torch.empty(0, dtype=storage.dtype).set_(storage._untyped_storage)


def _encode_latin1(text: str, encoding: str) -> bytes:
    """Decode bytes as older pickles write them."""
    if encoding != 'latin1':
        raise pickle.UnpicklingError(f'Unsupported encoding {encoding!r}')
    return text.encode(encoding)
