"""Clips of the lengths that a real test set has."""
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from claip_emo_mm.datasets.annotation_list import ListedClip, read_annotation_list

# DFEW's clips: the length, in frames, that this share of them does not exceed
_SHARES = (0, .05, .25, .5, .75, .95, 1)
_FRAMES = (11, 33, 48, 70, 95, 155, 847)
_FRAMES_PER_S = 25


def draw_lengths(count: int, seed: int = 0) -> np.ndarray:
    """Draw lengths of clips, frames, from DFEW's distribution: its inverse, interpolated between seven of its points.

    One is drawn from each of `count` equal parts of the distribution, so that few clips have its mean as well.
    """
    draw = np.random.default_rng(seed)
    shares = (np.arange(count) + draw.random(count)) / count
    return draw.permutation(np.interp(shares, _SHARES, _FRAMES).round().astype(int))


def make_clips(tree: Path, out: Path, lengths: Sequence[int]) -> list[ListedClip]:
    """Make frame folders and sound files of given lengths by going to and fro in the clips of a tree.

    Args:
        tree: folder of ``make_frame_tree`` with a ``test.csv``.
        out: folder to be made.
        lengths: frames of each clip; 25 of them are a second of sound.
    Returns: the clips; their paths are relative to `out`.
    """
    sources = read_annotation_list(tree / 'test.csv')
    clips = []
    for number, length in enumerate(lengths):
        source = sources[number % len(sources)]
        clip = ListedClip(number, source.label, frames=f'frames/{number:05d}', audio=f'{number:05d}.wav')
        (out / clip.frames).mkdir(parents=True)
        names = sorted((tree / source.frames).iterdir())
        for frame, index in enumerate(to_and_fro(len(names), length), start=1):
            shutil.copyfile(names[index], out / clip.frames / f'{frame:05d}{names[index].suffix}')
        samples, rate_hz = soundfile.read(tree / source.audio, dtype='float32')
        wanted = round(length / _FRAMES_PER_S * rate_hz)
        soundfile.write(out / clip.audio, samples[to_and_fro(len(samples), wanted)], rate_hz)
        clips.append(clip)
    return clips


def to_and_fro(count: int, wanted: int) -> np.ndarray:
    """Indices 0, 1, ..., count - 1, count - 2, ..., 0, 1, ..., `wanted` of them."""
    return np.abs((np.arange(wanted) + count - 1) % max(2 * (count - 1), 1) - (count - 1))
