"""A clear error for sizes that are none."""
from claip_emo_mm.errors import InputError


def check_positive(transform: object, **numbers: float) -> None:
    """Check that options of a transform are above 0.

    Args:
        transform: the transform, named in the message.
        numbers: option = its value.

    Raises:
        InputError: one is not.
    """
    for name, number in numbers.items():
        if number <= 0:
            raise InputError(f'{type(transform).__name__}: {name} is {number}. Expected more than 0.')
