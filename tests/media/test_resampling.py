"""The reference's resampling: its own numbers, and the filter written out by hand in float64."""
import importlib.util
import json
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soxr

from claip_emo_mm.datasets.transforms import LoadAudioWindows, LogMel
from claip_emo_mm.media import resample
from claip_emo_mm.media.video import VideoFile


def by_hand(samples: np.ndarray, from_hz: int, to_hz: int) -> np.ndarray:
    """Each new sample is the sum of the old ones around it, weighted by a windowed sinc of their distance in time."""
    band_hz = .99 * min(from_hz, to_hz)
    reach = math.ceil(6 * from_hz / band_hz) + 1
    padded = np.pad(samples.astype(np.float64), reach)
    new = np.empty(-(-len(samples) * to_hz // from_hz))
    for place in range(len(new)):
        nearest = place * from_hz // to_hz
        around = np.arange(nearest - reach + 1, nearest + reach)
        crossings = (place / to_hz - around / from_hz) * band_hz
        hann = np.where(np.abs(crossings) < 6, .5 + .5 * np.cos(np.pi * crossings / 6), 0)
        taken = np.where(around < len(samples) + reach, padded[np.minimum(around + reach, len(padded) - 1)], 0)
        new[place] = taken @ (np.sinc(crossings) * hann) * band_hz / from_hz
    return new


@pytest.mark.parametrize('rate_hz', [8000, 16000, 22050, 44100, 96000])
def test_numbers_of_the_reference(shared: Path, rate_hz: int) -> None:
    fixtures = shared / 'reference/fixtures'
    spec = importlib.util.spec_from_file_location('parity_weights', fixtures / 'parity_weights.py')
    formulas = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(formulas)
    case = json.loads((fixtures / 'resampling.json').read_text())['cases'][str(rate_hz)]
    samples = formulas.waveform(f'resample_{rate_hz}', case['samples_in'], rate_hz)[0]
    found = resample(samples, rate_hz, 48000)
    assert found.dtype == np.float32 and found.shape == (case['samples_out'],)
    np.testing.assert_allclose(found[case['index']], case['values'], rtol=0, atol=1e-5)


@pytest.mark.parametrize('rates_hz', [(16000, 48000), (48000, 16000), (44100, 16000), (11025, 48000), (7, 5),
                                      (47999, 48000)])
@pytest.mark.parametrize('length', [1, 2, 301])
def test_filter_by_hand(rates_hz: tuple[int, int], length: int) -> None:
    samples = np.random.default_rng(length).normal(size=length).astype(np.float32)
    found = resample(samples, *rates_hz)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, by_hand(samples, *rates_hz), rtol=0, atol=1e-5)


def test_soxr_and_equal_rates() -> None:
    samples = np.random.default_rng(0).normal(size=800).astype(np.float32)
    assert resample(samples, 16000, 16000) is samples
    found = resample(samples, 16000, 48000, 'soxr')
    assert np.array_equal(found, soxr.resample(samples, 16000, 48000, quality='HQ'))
    assert np.abs(found - resample(samples, 16000, 48000)).max() > .05


def test_spectrogram_of_real_speech(shared: Path) -> None:
    """Speech of 16 kHz, as prepared data has it, through the transforms of the paper's configs and by hand."""
    track, rate_hz = VideoFile(str(shared / 'media/talking_head_with_sound.mp4')).audio()
    speech = soxr.resample(track, rate_hz, 16000)[16000:32000]
    clip = SimpleNamespace(path='speech', has_audio=True, audio=lambda: (speech, 16000))
    sample = dict(clip=clip, audio_spans=np.array([[0., 1.]]))
    log_mel = LogMel()
    ours = log_mel(LoadAudioWindows()(sample))['mel'][0, 0].numpy()
    hand = by_hand(speech, 16000, 48000).astype(np.float32)
    hand = np.pad(np.tile(hand, 480000 // len(hand)), (0, 480000 % len(hand)))
    np.testing.assert_allclose(ours, log_mel(dict(audios=[hand], sample_rate_hz=48000))['mel'][0, 0], atol=5e-3, rtol=0)
    other = log_mel(LoadAudioWindows(resampler='soxr')(sample))['mel'][0, 0].numpy()
    differing = np.abs(ours - other).max(0) > .05
    assert 15 <= differing.sum() <= 30 and differing[-15:].all()  # the bins above 8 kHz
