"""Log-mel spectrograms."""
import numpy as np
import torch
import torch.nn.functional as F
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform
from torch import Tensor

from claip_emo_mm.datasets.transforms.loading import check_keys
from claip_emo_mm.errors import InputError, check_choice, check_positive, check_whole

_CHUNK = 64  # windows at a time
_PREEMPHASIS = 0.97  # this and the lowest frequency are Kaldi's defaults
_KALDI_LOWEST_HZ = 20.0
_CLAP_LOWEST_HZ, _CLAP_HIGHEST_HZ = 50.0, 14000.0


class Filterbank:
    """Filterbank of windows every `shift_samples`; `filters` (bins, F) are weights of the powers."""

    def __init__(self, window_samples: int, shift_samples: int, filters: np.ndarray) -> None:
        self.window_samples, self.shift_samples = window_samples, shift_samples
        self.filters = torch.from_numpy(filters).float()

    def __call__(self, samples: Tensor) -> Tensor:
        """Map a waveform (n,) float32 to its filterbank (M', F) float32."""
        padded = self.pad(samples[None])[0]
        frames = padded.unfold(0, self.window_samples, self.shift_samples)  # (M', window_samples)
        # of the windows in the silence at the end, which are equal, one is enough
        silent = _constant_from(padded.numpy(), 20 * self.shift_samples)
        count = min(len(frames), -(-silent // self.shift_samples) + 1)
        mel = self.logarithm(torch.cat([self._filter(chunk) for chunk in frames[:count].split(_CHUNK)]))
        return torch.cat([mel, mel[-1:].expand(len(frames) - count, -1)])

    def pad(self, samples: Tensor) -> Tensor:
        """Pad waveforms (A, n) at both ends."""
        return samples

    def spectrum(self, frames: Tensor) -> Tensor:
        """Map windows (M, window_samples) to their spectra (M, bins), complex; this is linear."""
        raise NotImplementedError

    def logarithm(self, power: Tensor) -> Tensor:
        """Map the power in the filters (..., F) to its logarithm, in place."""
        raise NotImplementedError

    def _filter(self, frames: Tensor) -> Tensor:
        squares = torch.view_as_real(self.spectrum(frames)).square_()  # (M, bins, 2)
        return (squares[..., 0] + squares[..., 1]) @ self.filters


class ClapFilterbank(Filterbank):
    """Mel spectrogram in decibels as laion_clap computes it for its fusion checkpoints (arXiv 2211.06687).

    Centered periodic Hann windows, of a power of two of samples at least as long as `window_ms` (21 ms of 48 kHz are
    CLAP's 1,024), the ends of the audio mirrored; triangular filters of height 1 between 50 Hz and 14 kHz on HTK's mel
    scale; decibels of at least 1e-10, without a limit to their range. The checkpoints without fusion have Slaney's
    scale and filters of equal area instead, which are not implemented. Raises an `InputError` for rates below 28 kHz.
    """

    def __init__(self, sample_rate_hz: int, num_mel_bins: int, window_ms: float, shift_ms: float) -> None:
        if sample_rate_hz < 2 * _CLAP_HIGHEST_HZ:
            raise InputError(f"LogMel: sample_rate_hz is {sample_rate_hz}. The front end 'clap' needs at least "
                             f"{2 * _CLAP_HIGHEST_HZ:.0f}; CLAP's own is 48000.")
        from transformers.audio_utils import mel_filter_bank
        window_samples = _power_of_two(int(sample_rate_hz * window_ms / 1000))
        super().__init__(window_samples, int(sample_rate_hz * shift_ms / 1000), mel_filter_bank(
            window_samples // 2 + 1, num_mel_bins, _CLAP_LOWEST_HZ, _CLAP_HIGHEST_HZ, sample_rate_hz))
        self._window = torch.hann_window(window_samples)

    def pad(self, samples: Tensor) -> Tensor:
        half = self.window_samples // 2
        return F.pad(samples, (half, half), mode='reflect')

    def spectrum(self, frames: Tensor) -> Tensor:
        return torch.fft.rfft(frames * self._window)

    def logarithm(self, power: Tensor) -> Tensor:
        return power.clamp_(min=1e-10).log10_().mul_(10)


class KaldiFilterbank(Filterbank):
    """Log-mel filterbank as `torchaudio.compliance.kaldi.fbank`: a Hann window, `htk_compat`, no energy, no dither.

    The mean of each window is subtracted, it is pre-emphasized and padded to a power of two; triangular filters between
    20 Hz and half the sample rate; natural logarithm of at least float32's epsilon.
    """

    def __init__(self, sample_rate_hz: int, num_mel_bins: int, window_ms: float, shift_ms: float) -> None:
        from transformers.audio_utils import mel_filter_bank
        window_samples = int(sample_rate_hz * window_ms / 1000)
        self._fft_samples = _power_of_two(window_samples)
        super().__init__(window_samples, int(sample_rate_hz * shift_ms / 1000), mel_filter_bank(
            self._fft_samples // 2 + 1, num_mel_bins, _KALDI_LOWEST_HZ, sample_rate_hz / 2, sample_rate_hz,
            mel_scale='kaldi', triangularize_in_mel_space=True))
        self._window = torch.hann_window(window_samples, periodic=False)

    def spectrum(self, frames: Tensor) -> Tensor:
        frames = frames - frames.mean(dim=1, keepdim=True)
        emphasized = torch.empty_like(frames)
        torch.sub(frames[:, 1:], frames[:, :-1], alpha=_PREEMPHASIS, out=emphasized[:, 1:])
        emphasized[:, 0] = (1 - _PREEMPHASIS) * frames[:, 0]
        return torch.fft.rfft(emphasized.mul_(self._window), n=self._fft_samples)

    def logarithm(self, power: Tensor) -> Tensor:
        return power.clamp_(min=torch.finfo(torch.float32).eps).log_()


def _constant_from(samples: np.ndarray, step: int) -> int:
    """A sample from which on all of the samples (n,) are equal, the first one but for less than `step`."""
    end = len(samples)
    while end > 0 and (samples[max(end - step, 0):end] == samples[-1]).all():
        end -= step
    return max(end, 0)


def _power_of_two(samples: int) -> int:
    return 1 << (samples - 1).bit_length()


_FILTERBANKS = {'kaldi': KaldiFilterbank, 'clap': ClapFilterbank}


@TRANSFORMS.register_module()
class LogMel(BaseTransform):
    """Compute the log-mel spectrogram of the audio windows.

    With the front end `'kaldi'`, the reference recipe's, the mean of a window is subtracted first, and shorter
    spectrograms are padded with zeros. With `'clap'`, the one that CLAP was pretrained with (the other defaults are
    CLAP's, too), shorter ones are stretched by bicubic interpolation, as laion_clap does with the 1,001 frames of its
    10 s. Longer ones are cut by both.

    Reads `audios`, A arrays (n,) float32, and `sample_rate_hz`. Adds `mel`, (A, 1, M, F) float32.

    Args:
        sample_rate_hz: rate of the samples; the same as in LoadAudioWindows.
        num_mel_bins: F.
        window_ms, shift_ms: length and distance of the analysis windows.
        num_frames: M.
        front_end: 'kaldi' for natural logarithms (`KaldiFilterbank`), 'clap' for decibels (`ClapFilterbank`).
    Raises:
        InputError: the front end is unknown or cannot have this rate, or a number is not above 0; the audio has another
            rate, or is shorter than one analysis window.
    """

    def __init__(self, sample_rate_hz: int = 48000, num_mel_bins: int = 64, window_ms: float = 21.0,
                 shift_ms: float = 10.0, num_frames: int = 1024, front_end: str = 'kaldi') -> None:
        check_choice(self, tuple(_FILTERBANKS), front_end=front_end)
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
        """Preprocess audio windows (..., n) for the filterbank."""
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
