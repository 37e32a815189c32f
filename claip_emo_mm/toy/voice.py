"""A babbling voice: harmonics of a gliding pitch under moving formants, in numpy alone."""
from dataclasses import dataclass

import numpy as np

SAMPLE_RATE_HZ = 16000

# Mean formants of American vowels in Hz (Peterson and Barney, 1952): f-ah, b-ee, b-oo, b-e, b-aw, b-oo-k, b-a
_VOWELS_HZ = np.array([(730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480), (570, 840, 2410),
                       (440, 1020, 2240), (660, 1720, 2410)], float)
_BANDWIDTHS_HZ = np.array([80., 110., 160.])
_FORMANT_GAINS = np.array([1., .6, .3])
_HIGHEST_HZ = 3900.
_HOP = 80  # samples between two evaluations of the formants: 5 ms
_SYLLABLE_S = .21  # mean length at pace 1


@dataclass(frozen=True)
class VoiceIdentity:
    """One speaker's voice."""
    female: bool
    pitch_hz: float  # at rest
    tract: float  # formants as a factor of an average man's: shorter vocal tracts have higher ones
    breath: float  # loudness of the breath noise, as a factor of the voice's peak

    @classmethod
    def sample(cls, rng: np.random.Generator, female: bool | None = None) -> 'VoiceIdentity':
        """Sample a speaker, also `female` where it is None."""
        if female is None:
            female = bool(rng.random() < .5)
        pitch_hz, tract = ((185, 230), (1.12, 1.22)) if female else ((95, 130), (.94, 1.03))
        return cls(female, float(rng.uniform(*pitch_hz)), float(rng.uniform(*tract)), float(rng.uniform(.008, .03)))


@dataclass(frozen=True)
class Prosody:
    """How something is said: factors of the speaker's own pitch, pace (syllables per second) and melody."""
    pitch: float = 1.
    pace: float = 1.
    melody: float = 1.  # 0 is a monotone
    loudness: float = .7  # peak of the waveform, 0 to 1

    @classmethod
    def sample(cls, rng: np.random.Generator) -> 'Prosody':
        """Sample any way of speaking, not only those of an emotion."""
        return cls(pitch=float(2 ** rng.uniform(-.7, .7)), pace=float(2 ** rng.uniform(-.6, .6)),
                   melody=float(rng.uniform(.1, 2.4)), loudness=float(rng.uniform(.3, .98)))


def babble(rng: np.random.Generator, voice: VoiceIdentity, prosody: Prosody, duration_s: float) -> np.ndarray:
    """Return nonsense speech, (samples,) float32 at 16 kHz; a faster pace means more syllables, not shorter audio."""
    samples = round(duration_s * SAMPLE_RATE_HZ)
    syllables = max(2, round(duration_s * prosody.pace / _SYLLABLE_S))
    lengths = rng.uniform(.8, 1.25, syllables)
    edges = np.append(0, np.cumsum(lengths / lengths.sum())) * duration_s  # (syllables + 1,) s
    centers = (edges[:-1] + edges[1:]) / 2
    vowels = _VOWELS_HZ[rng.integers(len(_VOWELS_HZ), size=syllables)]
    formants_hz = vowels * voice.tract * rng.uniform(.97, 1.03, (syllables, 3))
    semitones = rng.normal(0, 2.2, syllables) + 2.5 * np.cos(np.linspace(0, np.pi, syllables))
    semitones = prosody.melody * np.clip(semitones, -6, 6)

    time_s = np.arange(samples) / SAMPLE_RATE_HZ
    vibrato = 1 + .006 * np.sin(2 * np.pi * 5.3 * time_s)
    pitch_hz = voice.pitch_hz * prosody.pitch * 2 ** (np.interp(time_s, centers, semitones) / 12) * vibrato
    voiced = _sing(pitch_hz, centers, formants_hz)
    voiced /= np.abs(voiced).max()

    loudness = rng.uniform(.7, 1, syllables)
    syllable = np.clip(np.searchsorted(edges, time_s, side='right') - 1, 0, syllables - 1)
    place = (time_s - edges[syllable]) / np.diff(edges)[syllable]  # 0 to 1 within the syllable
    envelope = np.clip(place / .25, 0, 1) * np.clip((1 - place) / .2, 0, 1) * loudness[syllable]
    audio = voiced * envelope + voice.breath * rng.normal(0, 1, samples) * (.3 + .7 * (1 - envelope))
    return (audio / np.abs(audio).max() * prosody.loudness).astype(np.float32)


def _sing(pitch_hz: np.ndarray, centers_s: np.ndarray, formants_hz: np.ndarray) -> np.ndarray:
    """Sum the harmonics of a pitch (samples,), weighted by the vowels' formants (syllables, 3): (samples,) float64."""
    samples = len(pitch_hz)
    knots = np.arange(0, samples + _HOP, _HOP)  # the gains change slowly: evaluate here, interpolate between
    knot_pitch_hz = pitch_hz[np.minimum(knots, samples - 1)]
    knot_formants_hz = np.stack([np.interp(knots / SAMPLE_RATE_HZ, centers_s, formant) for formant in formants_hz.T], 1)
    count = int(_HIGHEST_HZ / pitch_hz.min())
    order = np.arange(1, count + 1)[:, None]
    harmonic_hz = order * knot_pitch_hz  # (harmonics, knots)
    distance = (harmonic_hz[..., None] - knot_formants_hz) / _BANDWIDTHS_HZ  # (harmonics, knots, 3)
    gains = (_FORMANT_GAINS / (1 + distance ** 2)).sum(-1) + .01
    gains *= (harmonic_hz < _HIGHEST_HZ) / order ** .35

    fraction = np.arange(_HOP) / _HOP
    first = np.cos(2 * np.pi * np.cumsum(pitch_hz) / SAMPLE_RATE_HZ)
    first = np.append(first, np.zeros(-samples % _HOP)).reshape(-1, _HOP)
    before, harmonic = np.ones_like(first), first
    total = np.zeros_like(first)
    for gain in gains:
        total += (gain[:len(first), None] + np.diff(gain)[:len(first), None] * fraction) * harmonic
        before, harmonic = harmonic, 2 * first * harmonic - before  # Chebyshev: cos(kx) without another cosine
    return total.ravel()[:samples]
