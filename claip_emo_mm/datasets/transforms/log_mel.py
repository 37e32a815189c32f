"""From sound to the picture of it that the audio backbone sees."""
import numpy as np
import torch
import torch.nn.functional as F
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform
from torch import Tensor

from claip_emo_mm.datasets.clap_filterbank import ClapFilterbank
from claip_emo_mm.datasets.kaldi_filterbank import KaldiFilterbank
from claip_emo_mm.datasets.transforms.needed_keys import check_keys
from claip_emo_mm.errors import InputError
from claip_emo_mm.utils import check_positive, check_whole

_FILTERBANKS = {'kaldi': KaldiFilterbank, 'clap': ClapFilterbank}


@TRANSFORMS.register_module()
class LogMel(BaseTransform):
    """Compute the log-mel spectrogram of the sound windows.

    With the front end `'kaldi'`, the reference recipe's, a window loses its mean first; what is shorter than
    `num_frames` is padded with zeros, after the logarithm. With `'clap'`, the one that CLAP was pretrained with (the
    other defaults are CLAP's, too), the mean stays; what is shorter is stretched to `num_frames` by bicubic
    interpolation, as laion_clap does with the 1,001 frames of its 10 s. What is longer is cut by both.

    Reads `audios`, A arrays (n,) float32, and `sample_rate_hz`. Adds `mel`, (A, 1, M, F) float32.

    Args:
        sample_rate_hz: rate of the samples; the same as in LoadSoundWindows.
        num_mel_bins: F.
        window_ms: length of an analysis window.
        shift_ms: distance of the analysis windows.
        num_frames: M.
        front_end: 'kaldi' for natural logarithms (`KaldiFilterbank`), 'clap' for decibels (`ClapFilterbank`).

    Raises:
        InputError: the front end is unknown or cannot have this rate, or a number is not above 0; the sound has another
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
        check_keys(self, results, audios='LoadSoundWindows', sample_rate_hz='LoadSoundWindows')
        if results['sample_rate_hz'] != self.sample_rate_hz:
            raise InputError(f'LogMel: sample_rate_hz is {self.sample_rate_hz}, but the sound has '
                             f'{results["sample_rate_hz"]} Hz. Set the same rate in LoadSoundWindows and LogMel.')
        return dict(results, mel=torch.stack([self._mel(samples) for samples in results['audios']]))

    def _mel(self, samples: np.ndarray) -> Tensor:
        if len(samples) < self.filterbank.window_samples:
            raise InputError(f'LogMel: {len(samples)} samples of sound, {self.filterbank.window_samples} expected at '
                             'least. Give LoadSoundWindows a longer window_s.')
        return self.fit(self.filterbank(self.prepare(torch.from_numpy(samples)))[None])

    def prepare(self, samples: Tensor) -> Tensor:
        """What happens to a sound (..., n) before its filterbank."""
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
