import pickle
import random

import cv2
import numpy as np
import pytest
from mmaction.registry import TRANSFORMS
from PIL import Image
from timm.data.auto_augment import rand_augment_transform

from claip_emo_mm.datasets.transforms import RandAugmentFrames, rand_augment
from claip_emo_mm.errors import InputError

SPEC = 'rand-m7-n4-mstd0.5-inc1'


def seed(number: int) -> None:
    random.seed(number)
    np.random.seed(number)


def some_frames(height: int = 32, width: int = 40) -> np.ndarray:
    noise = np.random.default_rng(1).integers(0, 256, (3, height, width, 3), dtype=np.uint8)
    return np.stack([cv2.GaussianBlur(frame, (5, 5), 1.5) for frame in noise])


def test_equals_timm_with_the_same_seed() -> None:
    frames = some_frames()
    ours = TRANSFORMS.build(dict(type='RandAugmentFrames'))
    timms = rand_augment_transform(SPEC, dict(interpolation=Image.Resampling.BICUBIC, img_mean=(128, 128, 128)))
    exact = 0
    for number in range(60):
        seed(number)
        augmented = ours(dict(imgs=frames))['imgs']
        expected = []
        for frame in frames:
            seed(number)
            expected.append(np.asarray(timms(Image.fromarray(frame))))
        difference = np.abs(augmented.astype(int) - np.stack(expected))
        # a single step that comes out of a warp may be made larger by what follows
        assert (difference > 1).mean() < 1e-3
        exact += not difference.any()
    assert exact > 30


def test_frames_of_different_sizes_are_augmented_alike() -> None:
    frames = some_frames()
    transform = RandAugmentFrames(SPEC)
    for number in range(8):
        seed(number)
        together = transform(dict(imgs=frames))['imgs']
        seed(number)
        apart = transform(dict(imgs=[*frames, some_frames(20, 50)[0]]))['imgs']
        assert apart[3].shape == (20, 50, 3)
        np.testing.assert_array_equal(np.stack(apart[:3]), together)


def test_the_input_is_not_changed() -> None:
    frames = some_frames()
    given = dict(imgs=frames.copy(), label=3)
    seed(0)
    augmented = RandAugmentFrames('rand-m9-n9-p1.0-inc1')(given)
    assert augmented['label'] == 3 and not np.array_equal(augmented['imgs'], frames)
    np.testing.assert_array_equal(given['imgs'], frames)


def test_frames_may_lie_in_memory_in_any_order() -> None:
    planes = np.ascontiguousarray(some_frames().transpose(0, 3, 1, 2))
    for seed_number in range(12):
        seed(seed_number)
        expected = RandAugmentFrames('rand-m9-n4-p1.0-inc1')(dict(imgs=some_frames()))['imgs']
        seed(seed_number)
        augmented = RandAugmentFrames('rand-m9-n4-p1.0-inc1')(dict(imgs=planes.transpose(0, 2, 3, 1)))['imgs']
        np.testing.assert_array_equal(augmented, expected)


def test_it_can_be_sent_to_a_worker() -> None:
    frames = some_frames()
    transform = RandAugmentFrames('rand-m9-n9-p1.0-inc1')
    augmented = []
    for sent in (transform, pickle.loads(pickle.dumps(transform))):
        seed(5)
        augmented.append(sent(dict(imgs=frames))['imgs'])
    np.testing.assert_array_equal(*augmented)


@pytest.mark.parametrize('spec', ['rand-m7-x3', 'augmix-m5', 'rand-m7-tweights', ''])
def test_other_descriptions(spec: str) -> None:
    with pytest.raises(InputError, match=f"spec is '{spec}'.*such as 'rand-m7-n4-mstd0.5-inc1'"):
        RandAugmentFrames(spec)


def test_four_operations_of_strength_seven_each_for_half_of_the_clips(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[list[tuple[str, tuple[float, ...]]]] = []
    for name in rand_augment.OPERATIONS:
        monkeypatch.setitem(rand_augment.OPERATIONS, name,
                            lambda frames, *strength, fill, name=name: used[-1].append((name, strength)) or frames)
    transform = TRANSFORMS.build(dict(type='RandAugmentFrames'))
    seed(0)
    for _ in range(1500):
        used.append([])
        transform(dict(imgs=some_frames(4, 4)))
    counts = np.bincount([len(clip) for clip in used], minlength=5) / 1500
    np.testing.assert_allclose(counts, np.array([1, 4, 6, 4, 1]) / 16, atol=.05)  # each of 4 with prob 0.5
    sampled = [one for clip in used for one in clip]
    names = [name for name, _ in sampled]
    assert len(set(names)) == 15 and min(map(names.count, set(names))) > 120  # 200 of each are expected
    degrees = np.array([strength[0] for name, strength in sampled if name == 'Rotate'])
    assert 8 < np.abs(degrees).min() and np.abs(degrees).mean() == pytest.approx(21, abs=.4)  # 7 / 10 of 30 degrees
    assert np.abs(degrees).std() == pytest.approx(1.5, abs=.3) and abs(np.sign(degrees).mean()) < .3
