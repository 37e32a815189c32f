import numpy as np
import pytest
import torch

from claip_emo_mm.datasets.transforms import LogMel
from claip_emo_mm.export import AudioFrontEnd


@pytest.mark.parametrize('samples', [9000, 20000])  # shorter and longer than the 64 frames
@pytest.mark.parametrize('options', [
    dict(sample_rate_hz=16000, window_ms=25, shift_ms=12),
    dict(sample_rate_hz=32000, window_ms=16, shift_ms=6, front_end='clap')])
def test_gives_the_transforms_spectrograms(options: dict[str, object], samples: int) -> None:
    log_mel = LogMel(num_mel_bins=20, num_frames=64, **options)
    audio = .2 * torch.randn(3, samples, generator=torch.Generator().manual_seed(0)) + .1
    audio[1, samples // 2:] = 0  # the padding of short audio
    wanted = log_mel(dict(audios=list(audio.numpy()), sample_rate_hz=options['sample_rate_hz']))['mel']
    found = AudioFrontEnd(log_mel)(audio)
    assert found.shape == wanted.shape == (3, 1, 64, 20)
    torch.testing.assert_close(found, wanted, atol=2e-3, rtol=0)
    assert np.ptp(wanted.numpy()) > 5
