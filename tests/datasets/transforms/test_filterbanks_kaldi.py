import math

import numpy as np
import pytest
import torch
from transformers import audio_utils

from claip_emo_mm.datasets.transforms.filterbanks import KaldiFilterbank


@pytest.mark.parametrize('end', [0, 1, 900, 2640, 3000, 5333])
@pytest.mark.parametrize(('sample_rate_hz', 'num_mel_bins', 'window_ms', 'shift_ms'),
                         [(16000, 64, 25, 12), (48000, 64, 21, 10), (44100, 40, 25, 10)])
def test_equals_the_implementation_of_transformers(sample_rate_hz: int, num_mel_bins: int, window_ms: float,
                                                   shift_ms: float, end: int) -> None:
    samples = np.random.default_rng(0).normal(0.2, 0.1, sample_rate_hz // 3).astype(np.float32)
    samples[len(samples) - end:] = -0.01  # a padded window without its mean
    window, shift = sample_rate_hz * window_ms // 1000, sample_rate_hz * shift_ms // 1000
    fft_samples = 2 ** math.ceil(math.log2(window))
    filters = audio_utils.mel_filter_bank(fft_samples // 2 + 1, num_mel_bins, 20, sample_rate_hz / 2, sample_rate_hz,
                                          mel_scale='kaldi', triangularize_in_mel_space=True)
    expected = audio_utils.spectrogram(samples, np.hanning(window), window, shift, fft_samples, power=2.0, center=False,
                                       preemphasis=0.97, mel_filters=filters, mel_floor=np.finfo(np.float32).eps,
                                       log_mel='log', remove_dc_offset=True).T
    mel = KaldiFilterbank(sample_rate_hz, num_mel_bins, window_ms, shift_ms)(torch.from_numpy(samples))
    assert mel.shape == (1 + (len(samples) - window) // shift, num_mel_bins)
    np.testing.assert_allclose(mel.numpy(), expected, atol=1e-3)


def test_a_constant_is_silence() -> None:
    mel = KaldiFilterbank(16000, 8, 25, 12)(torch.full((1000,), 0.25))
    torch.testing.assert_close(mel, torch.full((4, 8), math.log(2 ** -23)))


def test_a_tone_is_loudest_in_its_own_band() -> None:
    tone = torch.sin(2 * math.pi * 2000 * torch.arange(1600) / 16000)
    mel = KaldiFilterbank(16000, 16, 25, 12)(tone)
    # 20 Hz and 8 kHz are 31.7 and 2840 mel; 2 kHz is 1521.4 mel: 9.01 of 17 steps of 165.2 behind the lowest
    assert mel.argmax(dim=1).tolist() == [8] * len(mel)
