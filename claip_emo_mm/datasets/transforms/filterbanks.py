"""Log-mel spectrograms."""
import math

import numpy as np
import torch
import torch.nn.functional as F
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform
from torch import Tensor

from claip_emo_mm.datasets.transforms.loading import check_keys
from claip_emo_mm.errors import InputError, check_positive, check_whole

_LOWEST_HZ, _HIGHEST_HZ = 50.0, 14000.0
_CLAP_FLOOR = 1e-10
_PART = 128  # windows at a time, as in the Kaldi filterbank


class ClapFilterbank:
    """Mel spectrogram in decibels as laion_clap makes it for its fusion checkpoints (arXiv 2211.06687).

    Periodic Hann windows centred on their places, the ends of the audio mirrored; the power spectrum is summed by
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
        self.filters = _slaney_triangles(sample_rate_hz, num_mel_bins, self.window_samples)

    def __call__(self, samples: Tensor) -> Tensor:
        """Compute the spectrogram of a waveform.

        Args:
            samples: (n,) float32, n more than half of `window_samples`.
        Returns: (1 + n // shift_samples, F) float32.
        """
        frames = self.mirrored(samples[None])[0].unfold(0, self.window_samples, self.shift_samples)  # (M, window)
        return self.logarithm(torch.cat([self._filter(part) for part in frames.split(_PART)]))

    def mirrored(self, samples: Tensor) -> Tensor:
        """Mirror half a window at both ends of audio (A, n)."""
        half = self.window_samples // 2
        return torch.nn.functional.pad(samples, (half, half), mode='reflect')

    def spectrum(self, frames: Tensor) -> Tensor:
        """Map windows (M, window_samples) to their spectra (M, window_samples / 2 + 1), complex; this is linear."""
        return torch.fft.rfft(frames * self._window)

    @staticmethod
    def logarithm(power: Tensor) -> Tensor:
        """Map the power in the filters (..., F) to decibels, in place."""
        return power.clamp_(min=_CLAP_FLOOR).log10_().mul_(10)

    def _filter(self, frames: Tensor) -> Tensor:
        squares = torch.view_as_real(self.spectrum(frames)).square_()  # (M, window_samples / 2 + 1, 2)
        return (squares[..., 0] + squares[..., 1]) @ self.filters


def _slaney_triangles(sample_rate_hz: int, num_mel_bins: int, fft_samples: int) -> Tensor:
    """Triangles that are evenly spaced on the mel scale and straight in Hz: (fft_samples / 2 + 1, F)."""
    hz = torch.arange(fft_samples // 2 + 1, dtype=torch.float64) * sample_rate_hz / fft_samples
    ends = 2595 * torch.log10(1 + torch.tensor([_LOWEST_HZ, _HIGHEST_HZ], dtype=torch.float64) / 700)  # mel
    mel = torch.linspace(ends[0].item(), ends[1].item(), num_mel_bins + 2, dtype=torch.float64)
    corners = 700 * (10 ** (mel / 2595) - 1)  # Hz; (F + 2,)
    widths = corners.diff()
    rising = (hz[:, None] - corners[:-2]) / widths[:-1]
    falling = (corners[2:] - hz[:, None]) / widths[1:]
    return torch.minimum(rising, falling).clamp(min=0).float()


_PREEMPHASIS = 0.97  # this and the lowest frequency are Kaldi's defaults
_KALDI_LOWEST_HZ = 20.0
_KALDI_FLOOR = torch.finfo(torch.float32).eps


class KaldiFilterbank:
    """Log-mel filterbank as Kaldi computes it, with a Hann window, `htk_compat`, no energy and no dither.

    Each window loses its mean, is pre-emphasised and padded to a power of two; the power spectrum is summed by
    triangular filters between 20 Hz and half the sample rate; the natural logarithm is taken of at least float32's
    epsilon. Equal to `torchaudio.compliance.kaldi.fbank` with these options within float32's precision.

    Args:
        sample_rate_hz: rate of the samples.
        num_mel_bins: F.
        window_ms: length of a window.
        shift_ms: distance of the windows; only whole windows count.

    Attributes:
        filters: (fft_samples / 2 + 1, F) weights of the powers.
    """

    def __init__(self, sample_rate_hz: int, num_mel_bins: int, window_ms: float, shift_ms: float) -> None:
        self.window_samples = int(sample_rate_hz * window_ms / 1000)
        self.shift_samples = int(sample_rate_hz * shift_ms / 1000)
        self._fft_samples = 1 << (self.window_samples - 1).bit_length()
        self._window = torch.hann_window(self.window_samples, periodic=False)
        self.filters = _kaldi_triangles(sample_rate_hz, num_mel_bins, self._fft_samples)

    def __call__(self, samples: Tensor) -> Tensor:
        """Compute the filterbank of a waveform.

        Args:
            samples: (n,) float32, n at least `window_samples`.
        Returns: (1 + (n - window_samples) // shift_samples, F) float32.
        """
        frames = samples.unfold(0, self.window_samples, self.shift_samples)  # (M, window_samples)
        return self.logarithm(torch.cat([self._filter(part) for part in frames.split(_PART)]))

    def spectrum(self, frames: Tensor) -> Tensor:
        """Map windows (M, window_samples) to their spectra (M, fft_samples / 2 + 1), complex; this is linear."""
        frames = frames - frames.mean(dim=1, keepdim=True)
        emphasised = torch.empty_like(frames)
        torch.sub(frames[:, 1:], frames[:, :-1], alpha=_PREEMPHASIS, out=emphasised[:, 1:])
        emphasised[:, 0] = (1 - _PREEMPHASIS) * frames[:, 0]
        return torch.fft.rfft(emphasised.mul_(self._window), n=self._fft_samples)

    @staticmethod
    def logarithm(power: Tensor) -> Tensor:
        """Map the power in the filters (..., F) to its logarithm, in place."""
        return power.clamp_(min=_KALDI_FLOOR).log_()

    def _filter(self, frames: Tensor) -> Tensor:
        squares = torch.view_as_real(self.spectrum(frames)).square_()  # (M, fft_samples / 2 + 1, 2)
        return (squares[..., 0] + squares[..., 1]) @ self.filters


def _kaldi_triangles(sample_rate_hz: int, num_mel_bins: int, fft_samples: int) -> Tensor:
    """Triangles that are evenly spaced and straight on the mel scale: (fft_samples / 2 + 1, F)."""
    hz = torch.arange(fft_samples // 2 + 1, dtype=torch.float64) * sample_rate_hz / fft_samples
    mel = 1127 * torch.log(1 + hz / 700)
    lowest = 1127 * math.log(1 + _KALDI_LOWEST_HZ / 700)
    width = (1127 * math.log(1 + sample_rate_hz / 2 / 700) - lowest) / (num_mel_bins + 1)
    left = lowest + width * torch.arange(num_mel_bins, dtype=torch.float64)
    rising = (mel[:, None] - left) / width
    filters = torch.minimum(rising, 2 - rising).clamp(min=0)
    filters[-1] = 0  # Kaldi leaves the highest frequency out
    return filters.float()


_FILTERBANKS = {'kaldi': KaldiFilterbank, 'clap': ClapFilterbank}


@TRANSFORMS.register_module()
class LogMel(BaseTransform):
    """Compute the log-mel spectrogram of the audio windows.

    With the front end `'kaldi'`, the reference recipe's, a window loses its mean first; what is shorter than
    `num_frames` is padded with zeros, after the logarithm. With `'clap'`, the one that CLAP was pretrained with (the
    other defaults are CLAP's, too), the mean stays; what is shorter is stretched to `num_frames` by bicubic
    interpolation, as laion_clap does with the 1,001 frames of its 10 s. What is longer is cut by both.

    Reads `audios`, A arrays (n,) float32, and `sample_rate_hz`. Adds `mel`, (A, 1, M, F) float32.

    Args:
        sample_rate_hz: rate of the samples; the same as in LoadAudioWindows.
        num_mel_bins: F.
        window_ms: length of an analysis window.
        shift_ms: distance of the analysis windows.
        num_frames: M.
        front_end: 'kaldi' for natural logarithms (`KaldiFilterbank`), 'clap' for decibels (`ClapFilterbank`).

    Raises:
        InputError: the front end is unknown or cannot have this rate, or a number is not above 0; the audio has another
            rate, or is shorter than one analysis window.
    """

    def __init__(self, sample_rate_hz: int = 48000, num_mel_bins: int = 64, window_ms: float = 21.0,
                 shift_ms: float = 10.0, num_frames: int = 1024, front_end: str = 'kaldi') -> None:
        if front_end not in _FILTERBANKS:
            raise InputError(f'LogMel: front_end is {front_end!r}. Expected {" or ".join(map(repr, _FILTERBANKS))}.')
        check_whole(self, sample_rate_hz=sample_rate_hz, num_mel_bins=num_mel_bins, num_frames=num_frames)
        check_positive(self, window_ms=window_ms, shift_ms=shift_ms)
        self.sample_rate_hz = sample_rate_hz
        self.num_frames = num_frames
        self.front_end = front_end
        self.filterbank = _FILTERBANKS[front_end](sample_rate_hz, num_mel_bins, window_ms, shift_ms)

    def transform(self, results: dict) -> dict:
        check_keys(self, results, audios='LoadAudioWindows', sample_rate_hz='LoadAudioWindows')
        if results['sample_rate_hz'] != self.sample_rate_hz:
            raise InputError(f'LogMel: sample_rate_hz is {self.sample_rate_hz}, but the audio has '
                             f'{results["sample_rate_hz"]} Hz. Set the same rate in LoadAudioWindows and LogMel.')
        return dict(results, mel=torch.stack([self._mel(samples) for samples in results['audios']]))

    def _mel(self, samples: np.ndarray) -> Tensor:
        if len(samples) < self.filterbank.window_samples:
            raise InputError(f'LogMel: {len(samples)} samples of audio, {self.filterbank.window_samples} expected at '
                             'least. Give LoadAudioWindows a longer window_s.')
        return self.fit(self.filterbank(self.prepare(torch.from_numpy(samples)))[None])

    def prepare(self, samples: Tensor) -> Tensor:
        """What happens to an audio clip (..., n) before its filterbank."""
        return samples - samples.mean(-1, keepdim=True) if self.front_end == 'kaldi' else samples

    def fit(self, mel: Tensor) -> Tensor:
        """Cut, pad or stretch spectrograms (A, M', F) to (A, M, F)."""
        if self.front_end == 'kaldi':
            padding = mel.new_zeros(mel.shape[0], self.num_frames, mel.shape[2])
            return torch.cat([mel, padding], 1)[:, :self.num_frames]
        mel = mel[:, :self.num_frames]
        if mel.shape[1] == self.num_frames:
            return mel
        return F.interpolate(mel[None], (self.num_frames, mel.shape[2]), mode='bicubic', align_corners=True)[0]
