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

__all__ = ['AddAudioNoise', 'BlurFrames', 'DropFrames', 'OccludeFrames']


def clip_generator(results: dict, seed: int) -> np.random.Generator:
    """Make the generator of a clip from the last part of its file's or folder's name, wherever that lies.

    Args:
        results: sample in a pipeline, with `filename`, `frame_dir` or `audio_path`; without them all clips draw
            the same.
        seed: chooses another draw.
    """
    name = PurePath(media_name(results) or '').name
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


@TRANSFORMS.register_module()
class AddAudioNoise(BaseTransform):
    """Add white Gaussian noise to every audio window, as strong as a ratio to its own power says.

    Reads and replaces `audios`, A arrays (n,) float32; silence stays silent. Put it before LogMel.

    Args:
        snr_db: signal-to-noise ratio in dB; 0 for noise as strong as the audio.
        seed: of the noise, which is a clip's own.
    """

    def __init__(self, snr_db: float, seed: int = 0) -> None:
        self.snr_db = snr_db
        check_whole(self, least=0, seed=seed)
        self.seed = seed

    def transform(self, results: dict) -> dict:
        check_keys(self, results, audios='LoadAudioWindows')
        generator = clip_generator(results, self.seed)
        return dict(results, audios=[self._corrupt(samples, generator) for samples in results['audios']])

    def _corrupt(self, samples: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        level = np.sqrt(np.mean(np.square(samples, dtype=np.float64)) / 10 ** (self.snr_db / 10))
        return samples + np.float32(level) * generator.standard_normal(len(samples), np.float32)


@TRANSFORMS.register_module()
class BlurFrames(BaseTransform):
    """Blur all frames by a Gaussian, as wide as a ratio of their width.

    Reads and replaces `imgs`, (U, H, W, 3) uint8. Put it behind ResizeFrames.

    Args:
        sigma: standard deviation of the Gaussian, as a ratio of the frames' width.
    Raises:
        InputError: `sigma` is not above 0.
    """

    def __init__(self, sigma: float) -> None:
        if sigma <= 0:
            raise InputError(f'BlurFrames: sigma is {sigma}. Expected more than 0: a ratio of the width such as 0.02.')
        self.sigma = sigma

    def transform(self, results: dict) -> dict:
        check_keys(self, results, imgs='DecodeFrames')
        return dict(results, imgs=np.stack([cv2.GaussianBlur(frame, (0, 0), self.sigma * frame.shape[1])
                                            for frame in results['imgs']]))


@TRANSFORMS.register_module()
class DropFrames(BaseTransform):
    """Lose a ratio of the sampled frames; the last one before each is seen again, as a player shows it.

    Reads and replaces `frame_inds` (U,) and `frame_index` (V, T). The first frame stays. Put it behind
    SampleFrameViews.

    Args:
        ratio: of the distinct frames, 0 to 1; rounded to whole frames.
        seed: of the choice, which is a clip's own.
    Raises:
        InputError: `ratio` is not between 0 and 1.
    """

    def __init__(self, ratio: float, seed: int = 0) -> None:
        if not 0 < ratio <= 1:
            raise InputError(f'DropFrames: share is {ratio}. Expected a ratio of the frames, above 0 and up to 1.')
        self.ratio = ratio
        check_whole(self, least=0, seed=seed)
        self.seed = seed

    def transform(self, results: dict) -> dict:
        check_keys(self, results, frame_inds='SampleFrameViews', frame_index='SampleFrameViews')
        frames = results['frame_inds']
        kept = np.ones(len(frames), bool)
        lost = round(self.ratio * (len(frames) - 1))
        kept[1 + clip_generator(results, self.seed).choice(len(frames) - 1, lost, replace=False)] = False
        seen = np.cumsum(kept) - 1  # (U,) number among the kept ones
        return dict(results, frame_inds=frames[kept], frame_index=seen[results['frame_index']])


@TRANSFORMS.register_module()
class OccludeFrames(BaseTransform):
    """Cover the same part of all frames with a gray rectangle of their proportions, at a place drawn for the clip.

    Reads and replaces `imgs`, (U, H, W, 3) uint8. Put it behind ResizeFrames.

    Args:
        ratio: of the frames' area, 0 to 1.
        seed: of the place, which is a clip's own.
    Raises:
        InputError: `ratio` is not between 0 and 1.
    """

    def __init__(self, ratio: float, seed: int = 0) -> None:
        if not 0 < ratio <= 1:
            raise InputError(f'OccludeFrames: share is {ratio}. Expected a ratio of the area, above 0 and up to 1.')
        self.ratio = ratio
        check_whole(self, least=0, seed=seed)
        self.seed = seed

    def transform(self, results: dict) -> dict:
        check_keys(self, results, imgs='DecodeFrames')
        frames = np.array(results['imgs'])
        sizes = [round(side * self.ratio ** .5) for side in frames.shape[1:3]]
        generator = clip_generator(results, self.seed)
        top, left = (generator.integers(side - size + 1) for side, size in zip(frames.shape[1:3], sizes, strict=True))
        frames[:, top:top + sizes[0], left:left + sizes[1]] = 128
        return dict(results, imgs=frames)
