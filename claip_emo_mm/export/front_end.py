"""Front end of an exported model: its spectrograms in portable operators, and its test pipeline."""
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from mmengine.registry import DefaultScope
from torch import Tensor, nn

from claip_emo_mm.datasets.transforms.audio import LoadAudioWindows
from claip_emo_mm.datasets.transforms.filterbanks import LogMel
from claip_emo_mm.datasets.transforms.image import ResizeFrames
from claip_emo_mm.datasets.transforms.sampling import SampleFrameViews
from claip_emo_mm.engine.checkpoints.load import build_test_pipeline
from claip_emo_mm.errors import InputError
from claip_emo_mm.toy.clips import write_clip
from claip_emo_mm.toy.identities import FaceIdentity
from claip_emo_mm.toy.voice import VoiceIdentity

# What ``PackAudioVisualInputs`` returns, with the ``audio`` (A, n) float32 beside the ``mel`` that was computed of it.
Clip = dict[str, Any]


class AudioFrontEnd(nn.Module):
    """``LogMel`` for batches of waveforms, with operators that every runtime has.

    Everything between the samples of an analysis window and its spectrum is linear, so that it is one convolution,
    whose kernel is the transform's response to unit impulses.

    Args:
        log_mel: the transform.
    """

    def __init__(self, log_mel: LogMel) -> None:
        super().__init__()
        self.log_mel = log_mel
        filterbank = log_mel.filterbank
        spectra = torch.view_as_real(filterbank.spectrum(torch.eye(filterbank.window_samples)))  # (window, bins, 2)
        self.register_buffer('kernel', spectra.permute(2, 1, 0).flatten(0, 1)[:, None].contiguous())
        self.register_buffer('filters', filterbank.filters)

    def forward(self, waveform: Tensor) -> Tensor:
        """Map waveforms (A, n) to spectrograms (A, 1, M, F)."""
        filterbank = self.log_mel.filterbank
        waveform = filterbank.pad(self.log_mel.prepare(waveform))
        spectra = F.conv1d(waveform[:, None], self.kernel, stride=filterbank.shift_samples)  # (A, 2 bins, M')
        power = spectra.square().unflatten(1, (2, -1)).sum(1)  # (A, bins, M')
        mel = filterbank.logarithm(power.transpose(1, 2) @ self.filters)  # (A, M', F)
        return self.log_mel.fit(mel)[:, None]


class FrontEnd:
    """Test pipeline of a config, for a model with these modalities.

    Args:
        cfg: config with a test data set.
        visual: whether the model reads frames.
        audio: whether it reads audio.
    Raises:
        InputError: there is no test pipeline, or it lacks a transform that says what the model reads.
    """

    def __init__(self, cfg: Config, visual: bool, audio: bool) -> None:
        with DefaultScope.overwrite_default_scope(cfg.get('default_scope') or 'mmaction'):
            self._transforms = build_test_pipeline(cfg, cfg.filename or 'the export').transforms
        self.views = self._find(SampleFrameViews)
        self.size = self._find(ResizeFrames).size if visual else None
        self.windows = self._find(LoadAudioWindows) if audio else None
        self.log_mel = self._find(LogMel) if audio else None

    def _find(self, kind: type) -> Any:
        found = [transform for transform in self._transforms if isinstance(transform, kind)]
        if not found:
            names = ', '.join(type(transform).__name__ for transform in self._transforms) or 'nothing'
            raise InputError(f'test_dataloader.dataset.pipeline: holds {names}; expected {kind.__name__}, which says '
                             'what the model reads.')
        return found[0]

    def read(self, video: str | Path) -> Clip:
        """Read a video file.

        Raises:
            InputError: it cannot be read, lacks a modality, or its views have audio windows of different lengths.
        """
        results, waveforms = dict(filename=str(video)), None
        for transform in self._transforms:
            if transform is self.log_mel:
                waveforms = results['audios']
            results = transform(results)
        if waveforms is not None:
            if len({len(waveform) for waveform in waveforms}) > 1:
                raise InputError(f'{video}: the audio windows of its views have {len(waveforms[0])} and other numbers '
                                 'of samples, which one call of an exported model cannot take. Take a clip of another '
                                 'length.')
            results['inputs']['audio'] = torch.from_numpy(np.stack(waveforms))
        return results

    def sample(self, generator: torch.Generator, distinct_frames: int, views: int, waveforms: int) -> Clip:
        """Sample a clip of noise."""
        inputs = {}
        if self.size is not None:
            inputs['frames'] = torch.randint(256, (distinct_frames, 3, self.size, self.size), dtype=torch.uint8,
                                             generator=generator)
            inputs['frame_index'] = torch.randint(distinct_frames, (views, self.views.clip_len), generator=generator)
        if self.windows is not None:
            inputs['audio'] = .1 * torch.randn(waveforms, self.windows.window_samples, generator=generator)
            inputs['mel'] = self.log_mel(dict(audios=list(inputs['audio'].numpy()),
                                              sample_rate_hz=self.windows.sample_rate_hz))['mel']
            inputs['audio_index'] = torch.randint(waveforms, (views,), generator=generator)
        return dict(inputs=inputs, data_samples=ActionDataSample())

    def sample_video(self) -> Clip:
        """Draw a talking face, encode it as a video file, and read that."""
        random = np.random.default_rng(0)
        face = FaceIdentity.sample(random)
        with tempfile.TemporaryDirectory() as folder:
            video = Path(folder) / 'clip.mp4'
            write_clip(video, face, VoiceIdentity.sample(random, face.feminine), 'happy', seed=0)
            return self.read(video)
