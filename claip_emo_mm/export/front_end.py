"""The config's test pipeline, opened where a file takes over: clips with their sound before the spectrogram."""
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from mmaction.structures import ActionDataSample
from mmcv.transforms import Compose
from mmengine.config import Config
from mmengine.registry import DefaultScope
from torch import Tensor

from claip_emo_mm.data_preparation.toy import FaceIdentity, VoiceIdentity, write_clip
from claip_emo_mm.datasets.transforms import LoadSoundWindows, LogMel, ResizeFrames, SampleFrameViews
from claip_emo_mm.errors import InputError

_LOUDNESS = 0.1  # of drawn sound


class MediaClip(NamedTuple):
    """One clip.

    Attributes:
        packed: what ``PackAudioVisualInputs`` returns.
        sound: (A, n) float32, what ``packed['inputs']['mel']`` was made of; None without sound.
    """
    packed: dict[str, Any]
    sound: Tensor | None


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
        self.windows = self._find(LoadSoundWindows) if audio else None
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
            InputError: It cannot be read, lacks a modality, or its views have windows of sound of different lengths.
        """
        results, sounds = dict(filename=str(video)), None
        for transform in self._transforms:
            if transform is self.log_mel:
                sounds = results['audios']
            results = transform(results)
        if sounds is None:
            return MediaClip(results, None)
        if len({len(sound) for sound in sounds}) > 1:
            raise InputError(f'{video}: the windows of sound of its views have {len(sounds[0])} and other numbers of '
                             'samples, which one call of an exported model cannot take. Take a clip of another length.')
        return MediaClip(results, torch.from_numpy(np.stack(sounds)))

    def draw(self, generator: torch.Generator, distinct_frames: int, views: int, sounds: int) -> MediaClip:
        """Draw a clip of noise."""
        inputs, sound = {}, None
        if self.visual:
            inputs['frames'] = torch.randint(256, (distinct_frames, 3, self.size, self.size), dtype=torch.uint8,
                                             generator=generator)
            inputs['frame_index'] = torch.randint(distinct_frames, (views, self.views.clip_len), generator=generator)
        if self.audio:
            sound = _LOUDNESS * torch.randn(sounds, self.windows.window_samples, generator=generator)
            heard = self.log_mel(dict(audios=list(sound.numpy()), sample_rate_hz=self.windows.sample_rate_hz))
            inputs['mel'] = heard['mel']
            inputs['audio_index'] = torch.randint(sounds, (views,), generator=generator)
        return MediaClip(dict(inputs=inputs, data_samples=ActionDataSample()), sound)

    def film(self, seed: int) -> MediaClip:
        """Draw a talking face, encode it as a video file, and read that."""
        random = np.random.default_rng(seed)
        face = FaceIdentity.sample(random)
        with tempfile.TemporaryDirectory() as folder:
            video = Path(folder) / 'clip.mp4'
            write_clip(video, face, VoiceIdentity.sample(random, face.feminine), 'happy', seed)
            return self.read(video)
