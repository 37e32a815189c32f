"""Corruptions for robustness tests."""
import zlib
from pathlib import PurePath

import cv2
import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from claip_emo_mm.datasets.transforms.loading import check_keys
from claip_emo_mm.errors import InputError, check_whole
from claip_emo_mm.structures import media_name


class _Corruption(BaseTransform):
    """A transform whose random generator, if it needs one, is seeded by the name of a clip without its folders."""

    is_corruption = True  # no part of a checkpoint's front end

    def __init__(self, seed: int = 0) -> None:
        check_whole(self, least=0, seed=seed)
        self.seed = seed

    def _generator(self, results: dict) -> np.random.Generator:
        name = PurePath(media_name(results) or '').name
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])

    def _check_ratio(self, ratio: float) -> float:
        if not 0 < ratio <= 1:
            raise InputError(f'{type(self).__name__}: ratio is {ratio}. Expected a number above 0 and up to 1.')
        return ratio


@TRANSFORMS.register_module()
class AddAudioNoise(_Corruption):
    """Add white Gaussian noise to every audio window, relative to its own power.

    Reads and replaces `audios`, A arrays (n,) float32; silence stays silent. Put it before LogMel.

    Args:
        snr_db: signal-to-noise ratio in dB; 0 for noise as strong as the audio.
        seed: of the noise, which differs between clips.
    """

    def __init__(self, snr_db: float, seed: int = 0) -> None:
        super().__init__(seed)
        self.snr_db = snr_db

    def transform(self, results: dict) -> dict:
        check_keys(self, results, audios='LoadAudioWindows')
        generator = self._generator(results)
        return dict(results, audios=[self._corrupt(samples, generator) for samples in results['audios']])

    def _corrupt(self, samples: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        level = np.sqrt(np.mean(np.square(samples, dtype=np.float64)) / 10 ** (self.snr_db / 10))
        return samples + np.float32(level) * generator.standard_normal(len(samples), np.float32)


@TRANSFORMS.register_module()
class BlurFrames(_Corruption):
    """Blur all frames by a Gaussian.

    Reads and replaces `imgs`, (U, H, W, 3) uint8. Put it behind ResizeFrames.

    Args:
        sigma: standard deviation of the Gaussian, as a ratio of the frames' width; above 0.
    """

    def __init__(self, sigma: float) -> None:
        if sigma <= 0:
            raise InputError(f'BlurFrames: sigma is {sigma}. Expected more than 0: a ratio of the width such as 0.02.')
        super().__init__()
        self.sigma = sigma

    def transform(self, results: dict) -> dict:
        check_keys(self, results, imgs='DecodeFrames')
        return dict(results, imgs=np.stack([cv2.GaussianBlur(frame, (0, 0), self.sigma * frame.shape[1])
                                            for frame in results['imgs']]))


@TRANSFORMS.register_module()
class DropFrames(_Corruption):
    """Drop some of the sampled frames and repeat the last one before each, as a player does.

    Reads and replaces `frame_inds` (U,) and `frame_index` (V, T). The first frame stays. Put it behind
    SampleFrameViews.

    Args:
        ratio: of the distinct frames, above 0 and up to 1; rounded to whole frames.
        seed: of the choice, which differs between clips.
    """

    def __init__(self, ratio: float, seed: int = 0) -> None:
        super().__init__(seed)
        self.ratio = self._check_ratio(ratio)

    def transform(self, results: dict) -> dict:
        check_keys(self, results, frame_inds='SampleFrameViews', frame_index='SampleFrameViews')
        frames = results['frame_inds']
        kept = np.ones(len(frames), bool)
        count = round(self.ratio * (len(frames) - 1))
        kept[1 + self._generator(results).choice(len(frames) - 1, count, replace=False)] = False
        shown = np.cumsum(kept) - 1  # (U,) position among the kept ones
        return dict(results, frame_inds=frames[kept], frame_index=shown[results['frame_index']])


@TRANSFORMS.register_module()
class OccludeFrames(_Corruption):
    """Cover a random place of all frames with a gray rectangle of their proportions.

    Reads and replaces `imgs`, (U, H, W, 3) uint8. Put it behind ResizeFrames.

    Args:
        ratio: of the frames' area, above 0 and up to 1.
        seed: of the place, which differs between clips.
    """

    def __init__(self, ratio: float, seed: int = 0) -> None:
        super().__init__(seed)
        self.ratio = self._check_ratio(ratio)

    def transform(self, results: dict) -> dict:
        check_keys(self, results, imgs='DecodeFrames')
        frames = np.array(results['imgs'])
        sizes = [round(side * self.ratio ** .5) for side in frames.shape[1:3]]
        generator = self._generator(results)
        top, left = (generator.integers(side - size + 1) for side, size in zip(frames.shape[1:3], sizes, strict=True))
        frames[:, top:top + sizes[0], left:left + sizes[1]] = 128
        return dict(results, imgs=frames)
