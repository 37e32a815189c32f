"""Another sample rate for audio, by the filter of the reference recipe or by a better one."""
import math
from functools import lru_cache

import numpy as np
import soxr
from scipy.signal import resample_poly

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
