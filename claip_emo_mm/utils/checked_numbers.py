"""A clear error for fractions where whole numbers are meant."""
from numbers import Integral
from typing import Any

from claip_emo_mm.errors import InputError


def check_whole(owner: object, least: int = 1, **numbers: Any) -> None:
    """Check that options are whole numbers.

    Args:
        owner: the part that has the options, or its name; named in the message.
        least: the smallest number allowed.
        numbers: option = its value, or several in a list or tuple; None is passed over.

    Raises:
        InputError: one is a fraction, no number at all, or below `least`.
    """
    name = owner if isinstance(owner, str) else type(owner).__name__
    for option, value in numbers.items():
        for number in value if isinstance(value, list | tuple) else (value,):
            if number is None:
                continue
            if not isinstance(number, Integral) or isinstance(number, bool):
                raise InputError(f'{name}: {option} is {value!r}. Expected a whole number, as 8 without a point.')
            if number < least:
                raise InputError(f'{name}: {option} is {value!r}. Expected at least {least}.')
