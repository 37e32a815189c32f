"""Stubs under which the objects in MMEngine's checkpoints are unpickled.

Every checkpoint of MMEngine holds its log history: an object with numpy arrays and with methods, which pickle writes as
calls of `getattr`. Allowing `getattr`, `numpy.dtype` and `numpy.ndarray` themselves would open doors: a pickle can
reach any function through the first, and make numpy read raw bytes as pointers through the others. A stub takes the
same arguments, keeps numbers and texts, and is replaced by the real object afterwards (`unwrap`).
"""
import re
from collections.abc import Callable
from pickle import UnpicklingError

import numpy as np
from mmengine.config import ConfigDict
from mmengine.logging import HistoryBuffer
from mmengine.optim.scheduler.param_scheduler import OneCycleParamScheduler


class DtypeStub:
    """Stub of `numpy.dtype` with its arguments: bool, int, uint, float, complex, bytes and str of a fixed width."""

    def __init__(self, code: str, align: bool = False, copy: bool = False) -> None:
        if not isinstance(code, str) or not re.fullmatch(r'[biufcSU]\d{1,9}', code):
            raise UnpicklingError(f'Unsupported numpy dtype {code!r}')
        self.value = np.dtype(code)

    def __setstate__(self, state: tuple) -> None:
        """Take the byte order, the only field of the state that such a dtype needs."""
        self.value = self.value.newbyteorder(state[1])


class ArrayStub:
    """Stub of `numpy.ndarray`, and of the function that numpy pickles to build one."""

    def __init__(self, *args: object) -> None:
        self.value = np.empty(0)

    def __setstate__(self, state: tuple) -> None:
        """Copy the numbers out of (version, shape, dtype, is_fortran, bytes)."""
        _, shape, dtype, is_fortran, data = state
        order = 'F' if is_fortran else 'C'
        self.value = np.ndarray(shape, _checked(dtype, data), buffer=data, order=order).copy(order)


class HistoryStub:
    """Stub of MMEngine's `HistoryBuffer`, without the methods that a file would set for all of them."""

    def __init__(self) -> None:
        self.value = HistoryBuffer()

    def __setstate__(self, state: dict) -> None:
        """Take the two series and their maximum length."""
        log, count = unwrap(state['_log_history']), unwrap(state['_count_history'])
        self.value = HistoryBuffer(log, count, state['max_length'])


class OneCycleStub:
    """Stub of MMEngine's one-cycle scheduler as the owner of its two functions."""


def read_number(dtype: DtypeStub, data: bytes) -> np.generic:
    """Replace the function that numpy pickles to build a scalar."""
    return np.frombuffer(data, _checked(dtype, data), count=1)[0]


def read_method(owner: object, name: str) -> Callable[..., float] | None:
    """Replace `getattr`: the functions of the one-cycle schedule; None for those of the log history."""
    if owner is OneCycleStub and name in ('_annealing_cos', '_annealing_linear'):
        return getattr(OneCycleParamScheduler, name)
    if owner is HistoryStub:
        return None
    raise UnpicklingError(f'Unsupported getattr of {name!r}')


def _checked(dtype: object, data: object) -> np.dtype:
    if not isinstance(dtype, DtypeStub) or not isinstance(data, bytes):
        raise UnpicklingError('Unsupported numpy content')
    return dtype.value


def unwrap(value: object, done: dict[int, tuple[object, object]] | None = None) -> object:
    """Replace stubs in dicts, lists and tuples by what they hold; dicts and lists are changed in place."""
    done = {} if done is None else done
    if isinstance(value, (ArrayStub, HistoryStub)):
        return value.value
    if id(value) in done:  # once each: a file can hold one list a million times
        return done[id(value)][1]
    if isinstance(value, dict):
        done[id(value)] = value, value
        for key, entry in list(value.items()):
            value[key] = unwrap(entry, done)
    elif isinstance(value, list):
        done[id(value)] = value, value
        value[:] = [unwrap(entry, done) for entry in value]
    elif type(value) is tuple:  # not torch.Size
        unwrapped = tuple(unwrap(entry, done) for entry in value)
        done[id(value)] = value, unwrapped
        return unwrapped
    return value


NUMPY_STUBS: dict[str, object] = {
    'numpy.dtype': DtypeStub,
    'numpy.ndarray': ArrayStub,
    **{f'numpy.{core}.multiarray.{name}': stub for core in ('core', '_core')  # of numpy 1 and numpy 2
       for name, stub in (('_reconstruct', ArrayStub), ('scalar', read_number))},
}
STUBS: dict[str, object] = {
    'builtins.bytes': lambda: b'',  # pickle calls it without arguments, such as for the content of an empty array
    'builtins.getattr': read_method,
    'mmengine.config.config.ConfigDict': ConfigDict,
    'mmengine.logging.history_buffer.HistoryBuffer': HistoryStub,
    'mmengine.optim.scheduler.param_scheduler.OneCycleParamScheduler': OneCycleStub,
    **NUMPY_STUBS,
}
