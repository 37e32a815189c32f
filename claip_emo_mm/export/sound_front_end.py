"""The log-mel front end as a part of the model, for a file that takes sound."""
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from claip_emo_mm.datasets.clap_filterbank import ClapFilterbank
from claip_emo_mm.datasets.transforms import LogMel


class SoundFrontEnd(nn.Module):
    """Compute what a ``LogMel`` computes, for several sounds at once and with operators that every runtime has.

    Everything between the samples of an analysis window and its spectrum is linear: the whole of it is one convolution,
    whose kernel is the transform's own answer to unit impulses.

    Args:
        log_mel: The transform.
    """

    def __init__(self, log_mel: LogMel) -> None:
        super().__init__()
        self.log_mel = log_mel
        filterbank = log_mel.filterbank
        spectra = torch.view_as_real(filterbank.spectrum(torch.eye(filterbank.window_samples)))  # (window, bins, 2)
        self.register_buffer('kernel', spectra.permute(2, 1, 0).flatten(0, 1)[:, None].contiguous())
        self.register_buffer('filters', filterbank.filters)

    def forward(self, sound: Tensor) -> Tensor:
        """Map sounds (A, n) to spectrograms (A, 1, M, F)."""
        filterbank = self.log_mel.filterbank
        sound = self.log_mel.prepare(sound)
        if isinstance(filterbank, ClapFilterbank):
            sound = filterbank.mirrored(sound)
        spectra = F.conv1d(sound[:, None], self.kernel, stride=filterbank.shift_samples)  # (A, 2 bins, M')
        power = spectra.square().unflatten(1, (2, -1)).sum(1)  # (A, bins, M')
        mel = filterbank.logarithm(power.transpose(1, 2) @ self.filters)  # (A, M', F)
        return self.log_mel.fit(mel)[:, None]
