"""From sound to the picture of it that the audio backbone sees."""
import numpy as np
import torch
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform
from torch import Tensor

from claip_emo_mm.datasets.kaldi_filterbank import KaldiFilterbank
from claip_emo_mm.datasets.transforms.needed_keys import check_keys
from claip_emo_mm.errors import InputError


@TRANSFORMS.register_module()
class LogMel(BaseTransform):
    """Compute Kaldi's log-mel filterbank of the sound windows; the defaults are the reference recipe's.

    A window loses its mean first. What is longer than `num_frames` is cut, what is shorter is padded with zeros, after
    the logarithm.

    Reads `audios`, A arrays (n,) float32, and `sample_rate_hz`. Adds `mel`, (A, 1, M, F) float32.

    Args:
        sample_rate_hz: rate of the samples; the same as in LoadSoundWindows.
        num_mel_bins: F.
        window_ms: length of an analysis window.
        shift_ms: distance of the analysis windows.
        num_frames: M.

    Raises:
        InputError: the sound has another rate, or is shorter than one analysis window.
    """

    def __init__(self, sample_rate_hz: int = 48000, num_mel_bins: int = 64, window_ms: float = 21.0,
                 shift_ms: float = 10.0, num_frames: int = 1024) -> None:
        self.sample_rate_hz = sample_rate_hz
        self.num_frames = num_frames
        self.filterbank = KaldiFilterbank(sample_rate_hz, num_mel_bins, window_ms, shift_ms)

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
        waveform = torch.from_numpy(samples)
        mel = self.filterbank(waveform - waveform.mean())[:self.num_frames]
        return torch.nn.functional.pad(mel, (0, 0, 0, self.num_frames - len(mel)))[None]  # (1, M, F)
