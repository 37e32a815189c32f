"""The reference recipe's data pipeline as it is commonly written: image by image, view by view."""
import random
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch
from PIL import Image
from timm.data.auto_augment import rand_augment_transform
from timm.data.random_erasing import RandomErasing
from torch import Tensor
from torchvision.transforms import InterpolationMode, RandomResizedCrop
from torchvision.transforms import functional as F

from claip_emo_mm.benchmark.plain_filterbank import plain_filterbank
from claip_emo_mm.datasets.frame_sampling import audio_span, regular_frames, spread_frames
from claip_emo_mm.datasets.sound_windows import fill_window, window_bounds

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_SIZE, _CLIP_LEN, _STRIDE = 224, 16, 4
_RATE_HZ, _WINDOW_S, _NUM_MEL_FRAMES = 48000, 10, 1024
_TEMPORAL_VIEWS, _SPATIAL_VIEWS = 2, 2


class PlainData:
    """Load clips for training and test. Pillow, timm and torchvision do the work; nothing is shared between views.

    The rules for choosing frames and sound are taken from `claip_emo_mm.datasets`: they cost next to nothing.
    """

    def __init__(self) -> None:
        self._rand_augment = rand_augment_transform('rand-m7-n4-mstd0.5-inc1',
                                                    dict(interpolation=Image.Resampling.BICUBIC))
        self._erase = RandomErasing(0.25, mode='pixel', device='cpu')

    def training_sample(self, clip: dict[str, str]) -> dict[str, Tensor]:
        """Load one random view.

        Args:
            clip: `frame_dir` and `audio_path`.
        Returns: `frames` (1, T, 3, H, W) float32, normalised; `mel` (1, 1, M, F) float32.
        """
        paths = _image_paths(clip['frame_dir'])
        window = _CLIP_LEN * _STRIDE
        end = len(paths) if len(paths) <= window else np.random.randint(window, len(paths))
        indices = spread_frames(len(paths), _CLIP_LEN, _STRIDE, end)
        images = self._augment([_load_image(paths[index]) for index in indices])
        frames = torch.stack([F.normalize(F.to_tensor(image), MEAN, STD) for image in images])  # (T, 3, H, W)
        box = RandomResizedCrop.get_params(frames, [0.08, 1.0], [0.75, 1.333])
        frames = F.resized_crop(frames, *box, [_SIZE, _SIZE], InterpolationMode.BILINEAR, antialias=False)
        if random.random() < 0.5:
            frames = F.hflip(frames)
        frames = self._erase(frames)
        span = audio_span(max(end - window, 0), end, len(paths))
        return dict(frames=frames[None], mel=_load_mel(clip['audio_path'], span, training=True)[None])

    def test_sample(self, clip: dict[str, str]) -> dict[str, Tensor]:
        """Load every view: the spatial ones of a temporal one follow each other.

        Args:
            clip: `frame_dir` and `audio_path`.
        Returns: `frames` (V, T, 3, H, W) float32, normalised; `mel` (V, 1, M, F) float32.
        """
        views = []
        for temporal in range(_TEMPORAL_VIEWS):
            for spatial in range(_SPATIAL_VIEWS):
                paths = _image_paths(clip['frame_dir'])
                indices = regular_frames(len(paths), _CLIP_LEN, _STRIDE, _TEMPORAL_VIEWS)[temporal]
                images = [_load_image(paths[index]) for index in indices]
                frames = torch.stack([F.normalize(F.to_tensor(image), MEAN, STD) for image in images])
                start = spatial * (frames.shape[3] - _SIZE) // (_SPATIAL_VIEWS - 1)  # 0: the frames are square
                frames = frames[..., start:start + _SIZE]
                span = audio_span(indices[0], indices[-1] + _STRIDE, len(paths))
                views.append((frames, _load_mel(clip['audio_path'], span, training=False)))
        frames, mel = zip(*views, strict=True)
        return dict(frames=torch.stack(frames), mel=torch.stack(mel))

    def _augment(self, images: list[Image.Image]) -> list[Image.Image]:
        """Augment every image with the same draws."""
        states = random.getstate(), np.random.get_state()
        augmented = []
        for image in images:
            random.setstate(states[0])
            np.random.set_state(states[1])
            augmented.append(self._rand_augment(image))
        return augmented


def _image_paths(folder: str) -> list[Path]:
    return sorted(Path(folder).iterdir())


def _load_image(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert('RGB').resize((_SIZE, _SIZE), Image.Resampling.BILINEAR)


def _load_mel(path: str, span: tuple[float, float], training: bool) -> Tensor:
    """Load (1, M, F) of the sound that belongs to a view."""
    samples, rate_hz = soundfile.read(path, dtype='float32', always_2d=True)
    track = soxr.resample(samples.mean(axis=1), rate_hz, _RATE_HZ)
    start, end = window_bounds(span, len(track), _RATE_HZ * _WINDOW_S)
    window = fill_window(track[start:end], _RATE_HZ * _WINDOW_S)
    if training:
        window = np.roll(window, np.random.randint(len(window))) * np.float32(np.random.beta(10, 10) + 0.5)
    mel = plain_filterbank(torch.from_numpy(window - window.mean()), _RATE_HZ)[:_NUM_MEL_FRAMES]
    return torch.nn.functional.pad(mel, (0, 0, 0, _NUM_MEL_FRAMES - len(mel)))[None]
