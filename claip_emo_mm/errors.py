"""The error of bad input, checks of options that raise it, and names as messages show them."""
import math
import os
from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any


class InputError(ValueError):
    """Bad input; the message, which tools print without a traceback, says where, what was found and what to do."""


def check_whole(owner: object, least: int = 1, **numbers: Any) -> None:
    """Raise an `InputError` where an option, or an entry of a list, is neither None nor an integer >= `least`."""
    for option, value in numbers.items():
        for number in value if isinstance(value, list | tuple) else (value,):
            if number is None:
                continue
            if not isinstance(number, Integral) or isinstance(number, bool):
                raise InputError(f'{_name(owner)}: {option} is {value!r}. Expected a whole number, without a point.')
            if number < least:
                raise InputError(f'{_name(owner)}: {option} is {value!r}. Expected at least {least}.')


def check_positive(owner: object, **numbers: Any) -> None:
    """Raise an `InputError` where an option of a component (or its name) is no finite number above 0."""
    for option, number in numbers.items():
        if not isinstance(number, Real) or not 0 < number < math.inf:
            raise InputError(f'{_name(owner)}: {option} is {number!r}. Expected more than 0.')


def check_ratio(owner: object, **numbers: Any) -> None:
    """Raise an `InputError` where an option of a component (or its name) is not in [0, 1]."""
    for option, number in numbers.items():
        if not 0 <= number <= 1:
            raise InputError(f'{_name(owner)}: {option} is {number}. Expected 0 to 1.')


def check_choice(owner: object, choices: Sequence[Any], **options: Any) -> None:
    """Raise an `InputError` where an option of a component (or its name) is none of the choices."""
    for option, value in options.items():
        if value not in choices:
            *others, last = map(repr, choices)
            raise InputError(f'{_name(owner)}: {option} is {value!r}. Expected {", ".join(others)} or {last}.')


def printable(path: str | Path) -> str:
    r"""Return a name that can be encoded as UTF-8: bytes that are no text become ``\xe9``."""
    return os.fspath(path).encode('utf-8', 'surrogateescape').decode('utf-8', 'backslashreplace')


def named(names: Iterable[str | Path], most: int = 3) -> str:
    """Return the first names, and how many more there are."""
    shown = [printable(name) for name in names]
    more = f' and {len(shown) - most} more' if len(shown) > most else ''
    return f'{", ".join(shown[:most])}{more}'


def listing(lines: Sequence[str], indent: int = 2, most: int = 10) -> str:
    """Return the first lines, each behind a line break and indented, and how many more there are."""
    more = [f'... and {len(lines) - most} more'] if len(lines) > most else []
    return ''.join(f'\n{" " * indent}{line}' for line in [*lines[:most], *more])


def _name(owner: object) -> str:
    return owner if isinstance(owner, str) else type(owner).__name__
