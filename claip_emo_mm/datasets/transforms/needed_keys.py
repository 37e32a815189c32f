"""A clear error for transforms that stand in the wrong order."""
from claip_emo_mm.errors import InputError


def check_keys(transform: object, sample: dict, **producers: str) -> None:
    """Check that a sample has the keys that a transform reads.

    Args:
        transform: the transform, named in the message.
        sample: what it was given.
        producers: key = name of the transform that makes it.

    Raises:
        InputError: a key is missing.
    """
    missing = [key for key in producers if key not in sample]
    if missing:
        raise InputError(f'{type(transform).__name__}: the sample has no {", ".join(missing)} (found: '
                         f'{", ".join(sample)}). Put {", ".join(dict.fromkeys(producers[key] for key in missing))} '
                         f'before {type(transform).__name__} in the pipeline.')
