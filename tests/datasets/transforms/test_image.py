"""Crop, flip and erasing."""
import random

import numpy as np
import pytest
import torch
from mmaction.registry import TRANSFORMS
from torchvision.transforms import RandomResizedCrop
from torchvision.transforms.v2 import functional

from claip_emo_mm.datasets.transforms import RandomEraseFrames, RandomFlipFrames, RandomResizedCropFrames
from claip_emo_mm.errors import InputError


def gradient(height: int = 24, width: int = 32) -> np.ndarray:
    """2 frames whose first color counts columns and whose second counts rows; the second frame is brighter by 50."""
    rows, columns = np.mgrid[:height, :width]
    frame = np.stack([4 * columns, 4 * rows, np.full_like(rows, 9)], axis=-1).astype(np.uint8)
    return np.stack([frame, frame + 50])


def test_crop_is_torchvisions() -> None:
    frames = gradient()
    transform = TRANSFORMS.build(dict(type='RandomResizedCropFrames', size=24))
    ratios = []
    for number in range(200):
        torch.manual_seed(number)
        cropped = transform(dict(imgs=frames))
        torch.manual_seed(number)
        box = RandomResizedCrop.get_params(torch.empty(1, 24, 32), (0.08, 1), (0.75, 1.333))
        expected = functional.resized_crop(torch.from_numpy(frames).permute(0, 3, 1, 2), *box, [24, 24],
                                           antialias=False)
        assert cropped['img_shape'] == (24, 24) and cropped['imgs'].dtype == np.uint8
        np.testing.assert_allclose(cropped['imgs'].astype(int), expected.permute(0, 2, 3, 1).numpy(), atol=1)
        ratios.append(box[2] * box[3] / (24 * 32))
    assert min(ratios) < 0.15 and max(ratios) > 0.85


def test_crop_of_frames_of_different_sizes_has_the_same_ratios() -> None:
    small, large = gradient(8, 8)[0], np.repeat(np.repeat(gradient(8, 8)[0], 8, axis=0), 8, axis=1)
    torch.manual_seed(3)
    cropped = RandomResizedCropFrames(size=4, scale=(0.2, 0.3))(dict(imgs=[small, large]))['imgs']
    assert cropped.shape == (2, 4, 4, 3)
    np.testing.assert_allclose(cropped[0].astype(int), cropped[1], atol=4)  # the brightness of a column


def test_flip_mirrors_every_frame_or_none() -> None:
    frames = gradient()
    transform = TRANSFORMS.build(dict(type='RandomFlipFrames'))
    np.random.seed(0)
    flipped = [transform(dict(imgs=frames))['imgs'] for _ in range(200)]
    mirrored = [np.array_equal(result, frames[:, :, ::-1]) for result in flipped]
    kept = [np.array_equal(result, frames) for result in flipped]
    assert all(one != other for one, other in zip(mirrored, kept, strict=True))
    assert 70 < sum(mirrored) < 130  # 100 +- 4 standard deviations of 7.1
    listed = RandomFlipFrames(prob=1)(dict(imgs=[frames[0], frames[1, :5]]))['imgs']
    np.testing.assert_array_equal(listed[1], frames[1, :5, ::-1])


def test_erasing_writes_noise_into_the_same_rectangle_of_all_frames() -> None:
    frames = np.zeros((3, 100, 80, 3), np.uint8)
    transform = TRANSFORMS.build(dict(type='RandomEraseFrames', prob=1, mean=[120, 120, 60], std=[10, 20, 5]))
    random.seed(1)
    torch.manual_seed(1)
    for _ in range(20):
        erased = transform(dict(imgs=frames))['imgs']
        touched = erased.any(axis=3)  # (U, H, W)
        assert (touched == touched[0]).all()
        rows, columns = np.flatnonzero(touched[0].any(axis=1)), np.flatnonzero(touched[0].any(axis=0))
        noise = erased[:, rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1]
        ratio = noise[0, :, :, 0].size / 8000
        assert 0.015 < ratio < 0.35 and touched[0].sum() == noise[0, :, :, 0].size
        assert not np.array_equal(noise[0], noise[1])
        deviations = 5 / np.sqrt(noise[..., 0].size)  # of the means, 5 standard errors
        np.testing.assert_allclose((noise.reshape(-1, 3).mean(axis=0) - [120, 120, 60]) / [10, 20, 5], 0,
                                   atol=deviations)
        np.testing.assert_allclose(noise.reshape(-1, 3).std(axis=0) / [10, 20, 5], 1, atol=deviations)
    assert not frames.any()


def test_erasing_happens_to_a_quarter_of_the_clips() -> None:
    frames = gradient()
    transform = RandomEraseFrames()
    random.seed(0)
    results = [transform(dict(imgs=frames))['imgs'] for _ in range(400)]
    assert 65 < sum(not np.array_equal(result, frames) for result in results) < 135  # 100 +- 4 of 8.7


def test_noise_is_clipped_to_brightness() -> None:
    random.seed(0)
    frames = np.full((1, 50, 50, 3), 128, np.uint8)
    erased = RandomEraseFrames(prob=1, mean=(255, 0, 128), std=(2, 2, 1))(dict(imgs=frames))['imgs']
    # without clipping, bytes would start again at the other end: 256 would be 0
    assert erased[..., 0].min() == 128 and erased[..., 0].max() == 255
    assert erased[..., 1].max() == 128 and erased[..., 1].min() == 0


def test_bad_values() -> None:
    with pytest.raises(InputError, match='RandomResizedCropFrames: size is 0. Expected at least 1'):
        RandomResizedCropFrames(0)
    with pytest.raises(InputError, match=r'RandomResizedCropFrames: scale is \(1, 0.5\)'):
        RandomResizedCropFrames(4, scale=(1, 0.5))
    with pytest.raises(InputError, match='RandomFlipFrames: prob is 2'):
        RandomFlipFrames(2)
    with pytest.raises(InputError, match='RandomEraseFrames: prob is -1'):
        RandomEraseFrames(-1)
    with pytest.raises(InputError, match='different sizes. Put ResizeFrames'):
        RandomEraseFrames()(dict(imgs=[np.zeros((2, 3, 3), np.uint8), np.zeros((3, 3, 3), np.uint8)]))
    for transform in (RandomResizedCropFrames(4), RandomFlipFrames(), RandomEraseFrames()):
        with pytest.raises(InputError, match='Put DecodeFrames before'):
            transform(dict(label=0))
