import math

import librosa
import numpy as np
import pytest
import torch
from transformers import ClapFeatureExtractor

from claip_emo_mm.datasets.transforms.filterbanks import ClapFilterbank
from claip_emo_mm.errors import InputError


def waveform(seconds: float) -> np.ndarray:
    """Noise under a rising tone, 48 kHz."""
    times = np.arange(int(48000 * seconds)) / 48000
    noise = np.random.default_rng(0).normal(0, 0.01, len(times))
    return (0.3 * np.sin(2 * np.pi * (200 + 3000 * times) * times) + noise).astype(np.float32)


@pytest.mark.parametrize('silent_s', [0, .3, 1.3])
def test_equals_librosa_with_the_settings_of_laion_clap(silent_s: float) -> None:
    samples = waveform(1.3)
    samples[len(samples) - round(48000 * silent_s):] = 0
    power = librosa.feature.melspectrogram(y=samples, sr=48000, n_fft=1024, hop_length=480, pad_mode='reflect',
                                           power=2.0, n_mels=64, fmin=50, fmax=14000, htk=True, norm=None)
    mel = ClapFilterbank(48000, 64, 21, 10)(torch.from_numpy(samples))
    assert mel.shape == (131, 64) and mel.dtype == torch.float32
    np.testing.assert_allclose(mel.numpy(), librosa.power_to_db(power, top_db=None).T, atol=2e-3)


def test_equals_the_extractor_of_transformers() -> None:
    samples = waveform(10)
    extract = ClapFeatureExtractor(frequency_min=50)
    expected = extract(samples, sampling_rate=48000, truncation='fusion', return_tensors='pt')['input_features']
    mel = ClapFilterbank(48000, 64, 21, 10)(torch.from_numpy(samples))
    assert mel.shape == (1001, 64)
    torch.testing.assert_close(mel, expected[0, 0].float(), atol=2e-3, rtol=0)


def test_silence_is_the_floor() -> None:
    mel = ClapFilterbank(48000, 8, 21, 10)(torch.zeros(4800))
    torch.testing.assert_close(mel, torch.full((11, 8), -100.0))


def test_a_tone_is_loudest_in_its_own_band() -> None:
    tone = torch.sin(2 * math.pi * 2000 * torch.arange(4800) / 48000)
    mel = ClapFilterbank(48000, 16, 21, 10)(tone)
    # 50 Hz and 14 kHz are 77.8 and 3428.7 mel; 2 kHz is 1521.4 mel: 7.32 of 17 steps of 197.1 behind the lowest
    assert mel.argmax(dim=1).tolist() == [6] * len(mel)


def test_the_rate_must_reach_its_highest_frequency() -> None:
    with pytest.raises(InputError, match="sample_rate_hz is 16000. The front end 'clap' needs at least 28000"):
        ClapFilterbank(16000, 64, 25, 10)
