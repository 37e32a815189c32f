"""The mel spectrogram that CLAP was pretrained with."""
import torch
from torch import Tensor

from claip_emo_mm.errors import InputError

_LOWEST_HZ, _HIGHEST_HZ = 50.0, 14000.0
_FLOOR = 1e-10
_PART = 128  # windows at a time, as in the Kaldi filterbank


class ClapFilterbank:
    """Mel spectrogram in decibels as laion_clap makes it for its fusion checkpoints (arXiv 2211.06687).

    Periodic Hann windows centred on their places, the ends of the sound mirrored; the power spectrum is summed by
    triangular filters between 50 Hz and 14 kHz on the mel scale of HTK, of height 1; decibels of at least 1e-10,
    without a limit to their range. The checkpoints without fusion have Slaney's scale and filters of equal area
    instead, which this is not.

    Args:
        sample_rate_hz: rate of the samples, at least 28,000.
        num_mel_bins: F.
        window_ms: length of a window, which is made longer to the next power of two samples: 21 ms of 48 kHz are CLAP's
            1,024 samples.
        shift_ms: distance of the windows; CLAP's is 480 samples of 48 kHz, 10 ms.

    Attributes:
        filters: (window_samples / 2 + 1, F) weights of the powers.

    Raises:
        InputError: the rate is too low for the highest frequency.
    """

    def __init__(self, sample_rate_hz: int, num_mel_bins: int, window_ms: float, shift_ms: float) -> None:
        if sample_rate_hz < 2 * _HIGHEST_HZ:
            raise InputError(f"LogMel: sample_rate_hz is {sample_rate_hz}. The front end 'clap' reaches up to "
                             f"{_HIGHEST_HZ:.0f} Hz and needs at least {2 * _HIGHEST_HZ:.0f}; CLAP's own is 48000.")
        self.window_samples = 1 << (int(sample_rate_hz * window_ms / 1000) - 1).bit_length()
        self.shift_samples = int(sample_rate_hz * shift_ms / 1000)
        self._window = torch.hann_window(self.window_samples)
        self.filters = _triangles(sample_rate_hz, num_mel_bins, self.window_samples)

    def __call__(self, samples: Tensor) -> Tensor:
        """Compute the spectrogram of a waveform.

        Args:
            samples: (n,) float32, n more than half of `window_samples`.
        Returns: (1 + n // shift_samples, F) float32.
        """
        frames = self.mirrored(samples[None])[0].unfold(0, self.window_samples, self.shift_samples)  # (M, window)
        return self.logarithm(torch.cat([self._filter(part) for part in frames.split(_PART)]))

    def mirrored(self, samples: Tensor) -> Tensor:
        """Mirror half a window at both ends of sounds (A, n)."""
        half = self.window_samples // 2
        return torch.nn.functional.pad(samples, (half, half), mode='reflect')

    def spectrum(self, frames: Tensor) -> Tensor:
        """Map windows (M, window_samples) to their spectra (M, window_samples / 2 + 1), complex; this is linear."""
        return torch.fft.rfft(frames * self._window)

    @staticmethod
    def logarithm(power: Tensor) -> Tensor:
        """Map the power in the filters (..., F) to decibels, in place."""
        return power.clamp_(min=_FLOOR).log10_().mul_(10)

    def _filter(self, frames: Tensor) -> Tensor:
        squares = torch.view_as_real(self.spectrum(frames)).square_()  # (M, window_samples / 2 + 1, 2)
        return (squares[..., 0] + squares[..., 1]) @ self.filters


def _triangles(sample_rate_hz: int, num_mel_bins: int, fft_samples: int) -> Tensor:
    """Triangles that are evenly spaced on the mel scale and straight in Hz: (fft_samples / 2 + 1, F)."""
    hz = torch.arange(fft_samples // 2 + 1, dtype=torch.float64) * sample_rate_hz / fft_samples
    ends = 2595 * torch.log10(1 + torch.tensor([_LOWEST_HZ, _HIGHEST_HZ], dtype=torch.float64) / 700)  # mel
    mel = torch.linspace(ends[0].item(), ends[1].item(), num_mel_bins + 2, dtype=torch.float64)
    corners = 700 * (10 ** (mel / 2595) - 1)  # Hz; (F + 2,)
    widths = corners.diff()
    rising = (hz[:, None] - corners[:-2]) / widths[:-1]
    falling = (corners[2:] - hz[:, None]) / widths[1:]
    return torch.minimum(rising, falling).clamp(min=0).float()
