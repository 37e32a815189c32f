"""Front end of the exported model."""
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from mmaction.structures import ActionDataSample
from mmcv.transforms import Compose
from mmengine.config import Config
from mmengine.registry import DefaultScope
from torch import Tensor, nn

from claip_emo_mm.datasets.transforms.audio import LoadAudioWindows
from claip_emo_mm.datasets.transforms.filterbanks import LogMel
from claip_emo_mm.datasets.transforms.image import ResizeFrames
from claip_emo_mm.datasets.transforms.sampling import SampleFrameViews
from claip_emo_mm.errors import InputError
from claip_emo_mm.toy.clips import write_clip
from claip_emo_mm.toy.identities import FaceIdentity
from claip_emo_mm.toy.voice import VoiceIdentity


class AudioFrontEnd(nn.Module):
    """Compute what a ``LogMel`` computes, for several waveforms at once and with operators that every runtime has.

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

    def forward(self, waveform: Tensor) -> Tensor:
        """Map waveforms (A, n) to spectrograms (A, 1, M, F)."""
        filterbank = self.log_mel.filterbank
        waveform = filterbank.pad(self.log_mel.prepare(waveform))
        spectra = F.conv1d(waveform[:, None], self.kernel, stride=filterbank.shift_samples)  # (A, 2 bins, M')
        power = spectra.square().unflatten(1, (2, -1)).sum(1)  # (A, bins, M')
        mel = filterbank.logarithm(power.transpose(1, 2) @ self.filters)  # (A, M', F)
        return self.log_mel.fit(mel)[:, None]


_LOUDNESS = 0.1  # of drawn audio


class MediaClip(NamedTuple):
    """One clip.

    Attributes:
        packed: what ``PackAudioVisualInputs`` returns.
        waveform: (A, n) float32, what ``packed['inputs']['mel']`` was made of; None without audio.
    """
    packed: dict[str, Any]
    waveform: Tensor | None


class FrontEnd:
    """The test pipeline of a config, for a model with these modalities.

    Args:
        cfg: Config with a test data set.
        visual: Whether the model sees.
        audio: Whether it hears.
    Raises:
        InputError: There is no test pipeline, or it lacks a transform that says what the model reads.
    """

    def __init__(self, cfg: Config, visual: bool, audio: bool) -> None:
        dataset = (cfg.get('test_dataloader') or {}).get('dataset') or {}
        while 'pipeline' not in dataset and 'dataset' in dataset:  # wrapped in another data set
            dataset = dataset['dataset']
        with DefaultScope.overwrite_default_scope(cfg.get('default_scope') or 'mmaction'):
            self._transforms = Compose(dataset.get('pipeline') or []).transforms
        self.visual, self.audio = visual, audio
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

    def read(self, video: str | Path) -> MediaClip:
        """Read a video file.

        Raises:
            InputError: It cannot be read, lacks a modality, or its views have windows of audio of different lengths.
        """
        results, waveforms = dict(filename=str(video)), None
        for transform in self._transforms:
            if transform is self.log_mel:
                waveforms = results['audios']
            results = transform(results)
        if waveforms is None:
            return MediaClip(results, None)
        if len({len(waveform) for waveform in waveforms}) > 1:
            raise InputError(f'{video}: the windows of audio of its views have {len(waveforms[0])} and other numbers '
                             'of '
                             'samples, which one call of an exported model cannot take. Take a clip of another length.')
        return MediaClip(results, torch.from_numpy(np.stack(waveforms)))

    def draw(self, generator: torch.Generator, distinct_frames: int, views: int, waveforms: int) -> MediaClip:
        """Draw a clip of noise."""
        inputs, waveform = {}, None
        if self.visual:
            inputs['frames'] = torch.randint(256, (distinct_frames, 3, self.size, self.size), dtype=torch.uint8,
                                             generator=generator)
            inputs['frame_index'] = torch.randint(distinct_frames, (views, self.views.clip_len), generator=generator)
        if self.audio:
            waveform = _LOUDNESS * torch.randn(waveforms, self.windows.window_samples, generator=generator)
            heard = self.log_mel(dict(audios=list(waveform.numpy()), sample_rate_hz=self.windows.sample_rate_hz))
            inputs['mel'] = heard['mel']
            inputs['audio_index'] = torch.randint(waveforms, (views,), generator=generator)
        return MediaClip(dict(inputs=inputs, data_samples=ActionDataSample()), waveform)

    def film(self, seed: int) -> MediaClip:
        """Draw a talking face, encode it as a video file, and read that."""
        random = np.random.default_rng(seed)
        face = FaceIdentity.sample(random)
        with tempfile.TemporaryDirectory() as folder:
            video = Path(folder) / 'clip.mp4'
            write_clip(video, face, VoiceIdentity.sample(random, face.feminine), 'happy', seed)
            return self.read(video)
