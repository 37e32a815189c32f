"""Audio signals: conversion of decoded frames, mixing to one channel, resampling."""
import math
from functools import lru_cache
from typing import NamedTuple

import av
import numpy as np
import soxr

from claip_emo_mm.errors import InputError

SILENT = 1e-3  # largest sample of inaudible audio, of 1; -60 dB
RESAMPLERS = ('sinc', 'soxr')
# Power of the sum of the channels over the sum of their powers: 1 where they are uncorrelated, or only one of them has
# a signal, their number where they are equal, 0 where they cancel. -10 dB is less than half of what microphones apart
# from each other lose, and far more than remains of channels with inverted polarity.
_CANCELLED = .1
_ZERO_CROSSINGS = 6  # on each side: the defaults of torchaudio.transforms.Resample, as is the roll-off
_ROLLOFF = 0.99


class Mixdown(NamedTuple):
    """One channel made of several: samples (n,) float32, and a note for the user, '' where they are the mean."""
    samples: np.ndarray
    note: str


class ToSamples:
    """Converts decoded audio frames to arrays (n, channels) float32."""

    def __init__(self) -> None:
        self._resampler = av.AudioResampler(format='flt')  # PyAV 18 crashes on the planes of more than 7 channels

    def __call__(self, frame: av.AudioFrame) -> list[np.ndarray]:
        return [chunk.to_ndarray().reshape(-1, chunk.layout.nb_channels) for chunk in self._resampler.resample(frame)]


def mix_down(samples: np.ndarray) -> Mixdown:
    """Average the channels of samples (n, channels); where they cancel each other, take the loudest channel alone.

    The mean of channels with inverted polarity is silence. All readers mix here: audio files, videos, arrays, and the
    windows of long ones, each window as if it were a clip.
    """
    if samples.shape[1] > 1 and samples.shape[0] > 1:
        with np.errstate(invalid='ignore'):  # NaN stays in the mean, where readers look for it
            powers = [channel.var(dtype=np.float64) for channel in samples.T]
            power_of_sum = samples.sum(axis=1, dtype=np.float64).var()
        if power_of_sum < _CANCELLED * sum(powers):
            loudest = int(np.argmax(powers))
            note = (f'the {samples.shape[1]} channels of the audio cancel each other when they are averaged: '
                    f'channel {loudest + 1} alone is used')
            return Mixdown(samples[:, loudest].copy(), note)
    return Mixdown(samples.mean(axis=1), '')


def is_silent(samples: np.ndarray) -> bool:
    """Whether samples of any shape are inaudible."""
    return bool(np.abs(samples).max() < SILENT)


def check_finite(samples: np.ndarray, path: str, hint: str) -> None:
    """Raise an `InputError` where samples, of any shape, are infinite or NaN: the loss of a whole batch would be."""
    broken = samples.size - np.count_nonzero(np.isfinite(samples))
    if broken:
        raise InputError(f'{path}: {broken} of {samples.size} samples of the audio are infinite or NaN. {hint}')


def resample(samples: np.ndarray, from_hz: int, to_hz: int, resampler: str = 'sinc') -> np.ndarray:
    """Change the sample rate.

    ``'sinc'`` equals ``torchaudio.transforms.Resample`` with its defaults (the reference recipe), within float32's
    precision: a sinc with 6 zero crossings on each side under a Hann window. So short a filter lets mirror images
    through: audio of 16 kHz gets weak frequencies above 8 kHz, which the reference's models are trained on.
    ``'soxr'`` (quality HQ) has no audible ones.

    Args:
        samples: (n,) float32.
        from_hz, to_hz: their rate, and the rate wanted.
        resampler: one of `RESAMPLERS`.
    Returns: (ceil(n * to_hz / from_hz),) float32; soxr rounds, to 1 at least. Of equal rates the samples themselves.
    """
    if from_hz == to_hz:
        return samples
    if resampler == 'soxr':
        resampled = soxr.resample(samples, from_hz, to_hz, quality='HQ')
        return resampled if len(resampled) else samples[:1]  # a sample or two of a higher rate become one
    from scipy.signal import resample_poly  # a second to import
    divisor = math.gcd(from_hz, to_hz)
    return resample_poly(samples, to_hz // divisor, from_hz // divisor, window=_sinc_filter(from_hz, to_hz))


@lru_cache(maxsize=8)  # an odd rate has a filter of a million samples
def _sinc_filter(from_hz: int, to_hz: int) -> np.ndarray:
    """The filter at the least common multiple of both rates: (odd,) float32, symmetric, sum about 1 (SciPy scales)."""
    both_hz = math.lcm(from_hz, to_hz)
    band_hz = _ROLLOFF * min(from_hz, to_hz)
    half = math.ceil(_ZERO_CROSSINGS * both_hz / band_hz)
    crossings = np.arange(-half, half + 1) * band_hz / both_hz
    window = np.cos(np.clip(crossings / _ZERO_CROSSINGS, -1, 1) * np.pi / 2) ** 2
    kernel = np.sinc(crossings) * window * band_hz / both_hz
    kernel.flags.writeable = False
    return kernel.astype(np.float32)
