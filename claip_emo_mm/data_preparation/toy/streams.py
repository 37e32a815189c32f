"""Independent random streams: no face, voice or utterance of one part is met in another."""
import numpy as np

PARTS = ('train', 'val', 'test', 'pretrain')
_STREAM_KEYS = {part: number for number, part in enumerate(PARTS)}


def identity_stream(seed: int, part: str, index: int) -> np.random.Generator:
    """Return the random stream of one identity.

    Args:
        seed: of the whole set, 0 or more.
        part: 'train', 'val', 'test', or 'pretrain' for identities that no toy clip shows.
        index: number of the identity within its part, from 0.
    Raises:
        ValueError: part is not one of PARTS.
    """
    if part not in _STREAM_KEYS:
        raise ValueError(f'part {part!r} of the toy set is not one of {", ".join(PARTS)}')
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_STREAM_KEYS[part], index)))
