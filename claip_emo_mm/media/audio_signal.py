"""Mixing to one channel and resampling."""
import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import soxr
from scipy.signal import resample_poly

SILENT = 1e-3  # largest sample of what nobody hears, of 1; -60 dB

# The power of the channels' sum, over the sum of their powers: 1 where they have nothing to do with each other, or
# where one of them alone audio, their number where they are equal, 0 where they cancel. -10 dB is less than half of
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
    readers mix here: audio files, videos, arrays, and the windows of long ones, each window as if it were a clip.
    """
    if samples.shape[1] > 1 and samples.shape[0] > 1:
        covariance = _covariance(samples)
        powers = np.diag(covariance)
        if covariance.sum() < _CANCELLED * powers.sum():
            loudest = int(powers.argmax())
            note = (f'the {samples.shape[1]} channels of the audio cancel each other when they are averaged: '
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


RESAMPLERS = ('sinc', 'soxr')
_ZERO_CROSSINGS = 6  # on each side: the defaults of torchaudio.transforms.Resample, as is the roll-off
_ROLLOFF = 0.99


def resample(samples: np.ndarray, from_hz: int, to_hz: int, resampler: str = 'sinc') -> np.ndarray:
    """Change the sample rate.

    ``'sinc'`` equals ``torchaudio.transforms.Resample`` with its defaults (the reference recipe), within float32's
    precision: a sinc with 6 zero crossings on each side under a Hann window. So short a filter lets mirror images
    through: audio of 16 kHz gets weak frequencies above 8 kHz, which the reference's models are trained on.
    ``'soxr'`` lets through none that could be heard (quality HQ).

    Args:
        samples: (n,) float32.
        from_hz: their rate.
        to_hz: the rate wanted.
        resampler: one of `RESAMPLERS`.

    Returns: (ceil(n * to_hz / from_hz),) float32; soxr rounds, to 1 at least. Of equal rates the samples themselves.
    """
    if from_hz == to_hz:
        return samples
    if resampler == 'soxr':
        resampled = soxr.resample(samples, from_hz, to_hz, quality='HQ')
        return resampled if len(resampled) else samples[:1]  # a sample or two of a higher rate are one of this
    divisor = math.gcd(from_hz, to_hz)
    return resample_poly(samples, to_hz // divisor, from_hz // divisor, window=_sinc_filter(from_hz, to_hz))


@lru_cache(maxsize=8)  # an odd rate has a filter of a million samples
def _sinc_filter(from_hz: int, to_hz: int) -> np.ndarray:
    """Sample the filter at the least common multiple of both rates: (odd,) float32, symmetric.

    Its sum is about 1: SciPy makes up for the zeros that it puts between the samples.
    """
    both_hz = math.lcm(from_hz, to_hz)
    band_hz = _ROLLOFF * min(from_hz, to_hz)
    half = math.ceil(_ZERO_CROSSINGS * both_hz / band_hz)
    crossings = np.arange(-half, half + 1) * band_hz / both_hz
    window = np.cos(np.clip(crossings / _ZERO_CROSSINGS, -1, 1) * np.pi / 2) ** 2
    kernel = np.sinc(crossings) * window * band_hz / both_hz
    kernel.flags.writeable = False
    return kernel.astype(np.float32)
