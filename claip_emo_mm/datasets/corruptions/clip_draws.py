"""Random numbers that belong to a clip: the same in every run, process and order."""
import zlib
from pathlib import PurePath

import numpy as np

from claip_emo_mm.datasets.skipped_clips import media_name


def clip_generator(results: dict, seed: int) -> np.random.Generator:
    """Make the generator of a clip from the last part of its file's or folder's name, wherever that lies.

    Args:
        results: sample in a pipeline, with `filename`, `frame_dir` or `audio_path`; without them all clips draw
            the same.
        seed: chooses another draw.
    """
    name = PurePath(media_name(results) or '').name
    return np.random.default_rng([seed, zlib.crc32(name.encode())])
