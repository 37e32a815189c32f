"""Kaldi's log-mel filterbank as PyTorch code commonly computes it: step by step, over the whole sound at once."""
import torch
from torch import Tensor
from transformers.audio_utils import mel_filter_bank

_PREEMPHASIS = 0.97


def plain_filterbank(samples: Tensor, rate_hz: int, num_mel_bins: int = 64, window_ms: float = 21.,
                     shift_ms: float = 10.) -> Tensor:
    """Compute what `torchaudio.compliance.kaldi.fbank` does (hanning, htk_compat, no energy, no dither), in its steps.

    Args:
        samples: (n,) float32.
        rate_hz: their rate.
    Returns: (M, F) float32.
    """
    length, shift = int(rate_hz * window_ms / 1000), int(rate_hz * shift_ms / 1000)
    padded_length = 1 << (length - 1).bit_length()
    count = 1 + (len(samples) - length) // shift
    frames = samples.as_strided((count, length), (shift, 1))
    frames = frames - frames.mean(dim=1, keepdim=True)
    previous = torch.nn.functional.pad(frames[None], (1, 0), mode='replicate')[0, :, :-1]
    frames = (frames - _PREEMPHASIS * previous) * torch.hann_window(length, periodic=False)
    frames = torch.nn.functional.pad(frames, (0, padded_length - length))
    power = torch.fft.rfft(frames).abs().pow(2)  # (M, padded_length / 2 + 1)
    filters = mel_filter_bank(padded_length // 2 + 1, num_mel_bins, 20, rate_hz / 2, rate_hz, mel_scale='kaldi',
                              triangularize_in_mel_space=True)
    return (power @ torch.from_numpy(filters).float()).clamp(min=torch.finfo(torch.float32).eps).log()
