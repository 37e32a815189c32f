"""Random numbers that belong to a clip: the same in every run, process and order."""
import zlib
from pathlib import PurePath

import numpy as np


def clip_generator(results: dict, seed: int) -> np.random.Generator:
    """Make the generator of a clip from the last part of its file's or folder's name, wherever that lies.

    Args:
        results: sample in a pipeline, with `filename` or `frame_dir`; without them all clips draw the same.
        seed: chooses another draw.
    """
    name = PurePath(str(results.get('filename') or results.get('frame_dir') or '')).name
    return np.random.default_rng([seed, zlib.crc32(name.encode())])
