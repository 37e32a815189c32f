"""Pickles of calls, as somebody crafts them to run code."""
from collections.abc import Callable


class PickledCall:
    """Pickles as a call of a function, which runs where it is unpickled by Python's own means."""

    def __init__(self, function: Callable, *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple:
        return self.call
