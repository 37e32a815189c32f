"""The exception for everything that a user can cause and repair."""


class InputError(ValueError):
    """A file, a config key or a data set is not as it must be.

    The message says where, what was found, what was expected and what to do. The command lines print it without a
    traceback and end with exit code 1.
    """
