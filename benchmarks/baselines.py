"""A plain data pipeline to compare with."""
import math
import random
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from timm.data.auto_augment import rand_augment_transform
from timm.data.random_erasing import RandomErasing
from torch import Tensor
from torchvision.transforms import RandomResizedCrop, functional

from benchmarks.plain_media import PlainClip, PlainFolder, PlainVideo
from claip_emo_mm.datasets.transforms.sampling import audio_span, regular_frames, spread_frames

SIZE = 224
CLIP_LEN, STRIDE = 16, 4
TEST_VIEWS, TEST_CROPS = 2, 2
RATE_HZ, WINDOW_SAMPLES = 48000, 480000
MEL_BINS, MEL_FRAMES = 64, 1024
_MEAN, _STD = (.485, .456, .406), (.229, .224, .225)
_WINDOW, _SHIFT, _FFT = 1008, 480, 1024  # 21 ms and 10 ms at 48 kHz


@dataclass(frozen=True)
class PlainPipeline:
    """Loads frames and audio of a clip.

    Args:
        training: one random view, augmented; else the test's 2 windows x 2 crops.
    """

    training: bool

    def __call__(self, visual: Path, audio: Path | None = None) -> list[dict[str, Tensor]]:
        """Load a clip.

        Args:
            visual: folder of jpg files, or a video.
            audio: wav file; None for the audio in the video.
        Returns: for each view ``frames`` (T, 3, H, W), normalized; ``pixels`` (T, 3, H, W), uint8, before that; and
            ``mel`` (M, F).
        """
        clip = PlainVideo(visual) if audio is None else PlainFolder(visual, audio)
        if self.training:
            return [self._train(clip)]
        return [self._test(clip, window) for window in range(TEST_VIEWS) for _ in range(TEST_CROPS)]

    def _train(self, clip: PlainClip) -> dict[str, Tensor]:
        window, length = CLIP_LEN * STRIDE, clip.num_frames
        end = length if length <= window else np.random.randint(window, length)
        images = [_resize(image) for image in clip.images(spread_frames(length, CLIP_LEN, STRIDE, end))]
        augment = rand_augment_transform('rand-m7-n4-mstd0.5-inc1', dict(
            translate_const=int(SIZE * .45), img_mean=tuple(round(255 * mean) for mean in _MEAN),
            interpolation=Image.Resampling.BICUBIC))
        states = random.getstate(), np.random.get_state()
        augmented = []
        for image in images:  # the same random choices for every frame
            random.setstate(states[0])
            np.random.set_state(states[1])
            augmented.append(augment(image))
        pixels = torch.stack([functional.pil_to_tensor(image) for image in augmented])
        shown = functional.normalize(pixels.float() / 255, _MEAN, _STD)
        box = RandomResizedCrop.get_params(shown, scale=[.08, 1.], ratio=[.75, 4 / 3])
        shown = functional.resized_crop(shown, *box, size=[SIZE, SIZE], antialias=False)
        if random.random() < .5:
            shown = functional.hflip(shown)
        shown = RandomErasing(.25, mode='pixel', max_count=1, device='cpu')(shown)
        start, stop = audio_span(max(end - window, 0), end, length)
        samples = _load_audio(clip, start, stop) * (np.random.beta(10, 10) + .5)
        return dict(frames=shown, pixels=pixels, mel=_filterbank(samples))

    def _test(self, clip: PlainClip, window: int) -> dict[str, Tensor]:
        index = regular_frames(clip.num_frames, CLIP_LEN, STRIDE, TEST_VIEWS)[window]
        pixels = torch.stack([functional.pil_to_tensor(_resize(image)) for image in clip.images(index)])
        shown = functional.normalize(pixels.float() / 255, _MEAN, _STD)
        samples = _load_audio(clip, *audio_span(index[0], index[-1] + STRIDE, clip.num_frames))
        return dict(frames=shown, pixels=pixels, mel=_filterbank(samples))


def _resize(image: Image.Image) -> Image.Image:
    return image.resize((SIZE, SIZE), Image.Resampling.BILINEAR)


def _load_audio(clip: PlainClip, start: float, stop: float) -> Tensor:
    """Return (1, 480000 or more) samples at 48 kHz, without their mean."""
    samples, rate_hz = clip.audio()
    samples = _resample(torch.from_numpy(samples), rate_hz).numpy()
    window = samples
    if len(samples) > WINDOW_SAMPLES:
        window = samples[int(start * len(samples)):int(stop * len(samples))]
    if len(window) < WINDOW_SAMPLES:
        window = np.tile(window, WINDOW_SAMPLES // len(window))
        window = np.pad(window, (0, WINDOW_SAMPLES - len(window)))
    window = torch.from_numpy(window)[None]
    return window - window.mean()


def _resample(samples: Tensor, rate_hz: int) -> Tensor:
    """Bring (n,) samples to 48 kHz by a strided convolution, as torchaudio does."""
    if rate_hz == RATE_HZ:
        return samples
    kernel, stride, reach = _resampling_kernel(rate_hz)
    padded = torch.nn.functional.pad(samples, (reach, reach + stride))
    phases = torch.nn.functional.conv1d(padded[None], kernel, stride=stride)  # (new, n / stride)
    return phases.T.flatten()[:math.ceil(len(samples) * RATE_HZ / rate_hz)]


@lru_cache
def _resampling_kernel(rate_hz: int) -> tuple[Tensor, int, int]:
    """A windowed sinc for each place of a new sample between old ones, (new, 1, width); its stride and its reach."""
    stride, new = (rate // math.gcd(rate_hz, RATE_HZ) for rate in (rate_hz, RATE_HZ))
    band_hz = .99 * min(rate_hz, RATE_HZ)
    reach = math.ceil(6 * rate_hz / band_hz)
    old_places = torch.arange(-reach, reach + stride, dtype=torch.float64) / rate_hz  # s
    new_places = torch.arange(new, dtype=torch.float64)[:, None] / RATE_HZ
    crossings = (band_hz * (old_places - new_places)).clamp(-6, 6)
    kernel = torch.sinc(crossings) * (torch.pi * crossings / 12).cos() ** 2 * band_hz / rate_hz
    return kernel.float()[:, None], stride, reach


def _filterbank(samples: Tensor) -> Tensor:
    """Kaldi's log-mel filterbank, step by step over all windows at once; (M, F)."""
    frames = samples[0].unfold(0, _WINDOW, _SHIFT)  # (windows, 1008)
    frames = frames - frames.mean(1, keepdim=True)
    before = torch.nn.functional.pad(frames[None], (1, 0), mode='replicate')[0, :, :-1]
    frames = (frames - .97 * before) * torch.hann_window(_WINDOW, periodic=False)
    power = torch.fft.rfft(torch.nn.functional.pad(frames, (0, _FFT - _WINDOW))).abs() ** 2
    mel = (power[:, :-1] @ _mel_filters().T).clamp(min=torch.finfo(torch.float32).eps).log()
    return torch.nn.functional.pad(mel, (0, 0, 0, max(MEL_FRAMES - len(mel), 0)))[:MEL_FRAMES]


def _mel_filters() -> Tensor:
    """Triangles between 20 Hz and 24 kHz, straight on the mel scale; (F, 512)."""
    def to_mel(hz: Tensor) -> Tensor:
        return 1127 * torch.log(1 + hz / 700)

    low, high = to_mel(torch.tensor([20., RATE_HZ / 2]))
    width = (high - low) / (MEL_BINS + 1)
    left = low + torch.arange(MEL_BINS)[:, None] * width
    mel = to_mel(torch.arange(_FFT // 2) * RATE_HZ / _FFT)[None]
    return torch.minimum((mel - left) / width, (left + 2 * width - mel) / width).clamp(min=0)
