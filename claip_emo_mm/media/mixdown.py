"""From the channels of a sound to the one that models hear: their mean, unless they cancel each other."""
from typing import NamedTuple

import numpy as np

SILENT = 1e-3  # largest sample of what nobody hears, of 1; -60 dB

# The power of the channels' sum, over the sum of their powers: 1 where they have nothing to do with each other, or
# where one of them alone sounds, their number where they are equal, 0 where they cancel. -10 dB is less than half of
# what microphones apart from each other lose, and far more than is left of channels that a plug inverted.
_CANCELLED = .1
_BLOCK = 1 << 18  # samples that are looked at in float64 at once


class Mixdown(NamedTuple):
    """One channel made of several.

    Attributes:
        samples: (n,) float32.
        note: what is to be known of it; '' where it is the mean.
    """
    samples: np.ndarray
    note: str


def mix_down(samples: np.ndarray) -> Mixdown:
    """Average the channels of samples (n, channels); where they cancel each other, take the loudest channel alone.

    A recording whose channels are inverted against each other is heard well by two ears, and its mean is silence. All
    readers mix here: sound files, videos, arrays, and the windows of long ones, each window as if it were a clip.
    """
    if samples.shape[1] > 1 and samples.shape[0] > 1:
        covariance = _covariance(samples)
        powers = np.diag(covariance)
        if covariance.sum() < _CANCELLED * powers.sum():
            loudest = int(powers.argmax())
            note = (f'the {samples.shape[1]} channels of the sound cancel each other when they are averaged: '
                    f'channel {loudest + 1} alone is heard')
            return Mixdown(samples[:, loudest].copy(), note)
    return Mixdown(samples.mean(axis=1), '')


def is_silent(samples: np.ndarray) -> bool:
    """Whether there is nothing to hear in samples of any shape, though they are there."""
    return bool(np.abs(samples).max() < SILENT)


def _covariance(samples: np.ndarray) -> np.ndarray:
    """(channels, channels) sums of products, without the channels' own means, which nobody hears."""
    means = samples.mean(axis=0, dtype=np.float64)
    total = np.zeros((samples.shape[1], samples.shape[1]))
    with np.errstate(invalid='ignore'):  # samples that are no numbers stay so in the mean, where readers look for them
        for start in range(0, samples.shape[0], _BLOCK):
            block = samples[start:start + _BLOCK] - means
            total += block.T @ block
    return total
