"""The error of every bad input, and the checks of numbers that raise it."""
import math
from numbers import Integral, Real
from typing import Any


class InputError(ValueError):
    """A file, a config key or a data set is not as it must be.

    The message says where, what was found, what was expected and what to do. The command lines print it without a
    traceback and end with exit code 1.
    """


def check_whole(owner: object, least: int = 1, **numbers: Any) -> None:
    """Check that options are whole numbers.

    Args:
        owner: the part that has the options, or its name; named in the message.
        least: the smallest number allowed.
        numbers: option = its value, or several in a list or tuple; None is passed over.

    Raises:
        InputError: one is a fraction, no number at all, or below `least`.
    """
    for option, value in numbers.items():
        for number in value if isinstance(value, list | tuple) else (value,):
            if number is None:
                continue
            if not isinstance(number, Integral) or isinstance(number, bool):
                raise InputError(f'{_name(owner)}: {option} is {value!r}. Expected a whole number, without a point.')
            if number < least:
                raise InputError(f'{_name(owner)}: {option} is {value!r}. Expected at least {least}.')


def check_positive(owner: object, **numbers: Any) -> None:
    """Check that options are numbers above 0.

    Args:
        owner: the part that has the options, or its name; named in the message.
        numbers: option = its value.

    Raises:
        InputError: one is not.
    """
    for option, number in numbers.items():
        if not isinstance(number, Real) or not 0 < number < math.inf:
            raise InputError(f'{_name(owner)}: {option} is {number!r}. Expected more than 0.')


def _name(owner: object) -> str:
    return owner if isinstance(owner, str) else type(owner).__name__
