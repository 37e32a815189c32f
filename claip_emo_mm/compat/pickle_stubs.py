"""Stand-ins under which the objects in mmengine's checkpoints are read.

Every checkpoint of mmengine holds its log history: an object with numpy arrays and with methods, which pickle writes as
calls of `getattr`. To allow `getattr`, `numpy.dtype` and `numpy.ndarray` themselves would open doors: a pickle can
reach any function through the first, and can make numpy read raw bytes as pointers through the other two. A stand-in
takes the same arguments, keeps numbers and texts, and is replaced by the real thing afterwards (`unwrap`).
"""
import re
from collections.abc import Callable
from pickle import UnpicklingError

import numpy as np
from mmengine.config import ConfigDict
from mmengine.logging import HistoryBuffer
from mmengine.optim.scheduler.param_scheduler import OneCycleParamScheduler


class NumberDtype:
    """Stands for `numpy.dtype`: bool, int, uint, float, complex, bytes and str of a fixed width.

    Args:
        code: kind and width in bytes (characters for str), such as 'f8'.
        align: as numpy pickles it, without meaning here.
        copy: as numpy pickles it, without meaning here.

    Raises:
        UnpicklingError: the code is another one, such as 'O' for objects.
    """

    def __init__(self, code: str, align: bool = False, copy: bool = False) -> None:
        if not isinstance(code, str) or not re.fullmatch(r'[biufcSU]\d{1,9}', code):
            raise UnpicklingError(f'Unsupported numpy dtype {code!r}')
        self.value = np.dtype(code)

    def __setstate__(self, state: tuple) -> None:
        """Take the byte order, the only part of the state that such a dtype needs."""
        self.value = self.value.newbyteorder(state[1])


class NumberArray:
    """Stands for `numpy.ndarray`, and for the function that numpy pickles to build one."""

    def __init__(self, *args: object) -> None:
        self.value = np.empty(0)

    def __setstate__(self, state: tuple) -> None:
        """Copy the numbers out of (version, shape, dtype, is_fortran, bytes)."""
        _, shape, dtype, is_fortran, data = state
        order = 'F' if is_fortran else 'C'
        self.value = np.ndarray(shape, _checked(dtype, data), buffer=data, order=order).copy(order)


class LogHistory:
    """Stands for mmengine's `HistoryBuffer`, without the methods that a file would set for all of them."""

    def __init__(self) -> None:
        self.value = HistoryBuffer()

    def __setstate__(self, state: dict) -> None:
        """Take the two series and their maximum length."""
        log, count = unwrap(state['_log_history']), unwrap(state['_count_history'])
        self.value = HistoryBuffer(log, count, state['max_length'])


class OneCycle:
    """Stands for mmengine's scheduler of this name as the owner of its two functions."""


def read_number(dtype: NumberDtype, data: bytes) -> np.generic:
    """Stand for the function that numpy pickles to build a single number."""
    return np.frombuffer(data, _checked(dtype, data), count=1)[0]


def read_method(owner: object, name: str) -> Callable[..., float] | None:
    """Stand for `getattr`: the functions of the one-cycle schedule; None for those of the log history."""
    if owner is OneCycle and name in ('_annealing_cos', '_annealing_linear'):
        return getattr(OneCycleParamScheduler, name)
    if owner is LogHistory:
        return None
    raise UnpicklingError(f'Unsupported getattr of {name!r}')


def read_empty_bytes() -> bytes:
    """Stand for `bytes`, whose call without arguments pickle writes for b'', such as the content of an empty array."""
    return b''


def unwrap(value: object) -> object:
    """Put the real things in place of their stand-ins, in dicts, lists and tuples; dicts and lists stay the same."""
    return _unwrap(value, {})


def _unwrap(value: object, done: dict[int, tuple[object, object]]) -> object:
    if isinstance(value, (NumberArray, LogHistory)):
        return value.value
    if id(value) in done:  # once each: a file can hold one list a million times
        return done[id(value)][1]
    if isinstance(value, dict):
        done[id(value)] = value, value
        for key, item in list(value.items()):
            value[key] = _unwrap(item, done)
    elif isinstance(value, list):
        done[id(value)] = value, value
        value[:] = [_unwrap(item, done) for item in value]
    elif type(value) is tuple:  # not torch.Size
        unwrapped = tuple(_unwrap(item, done) for item in value)
        done[id(value)] = value, unwrapped
        return unwrapped
    return value


def _checked(dtype: object, data: object) -> np.dtype:
    if not isinstance(dtype, NumberDtype) or not isinstance(data, bytes):
        raise UnpicklingError('Unsupported numpy content')
    return dtype.value


# numpy 1 and numpy 2 pickle under different names; a file of the one is read with the other.
NUMPY_STAND_INS: dict[str, object] = {
    'numpy.dtype': NumberDtype,
    'numpy.ndarray': NumberArray,
    'numpy.core.multiarray._reconstruct': NumberArray,
    'numpy._core.multiarray._reconstruct': NumberArray,
    'numpy.core.multiarray.scalar': read_number,
    'numpy._core.multiarray.scalar': read_number,
}
STAND_INS: dict[str, object] = {
    'builtins.bytes': read_empty_bytes,
    'builtins.getattr': read_method,
    'mmengine.config.config.ConfigDict': ConfigDict,
    'mmengine.logging.history_buffer.HistoryBuffer': LogHistory,
    'mmengine.optim.scheduler.param_scheduler.OneCycleParamScheduler': OneCycle,
    **NUMPY_STAND_INS,
}
