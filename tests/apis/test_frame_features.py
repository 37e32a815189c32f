"""Frames that windows share are encoded once."""
import pytest
import torch
from mmaction.structures import ActionDataSample
from torch import Tensor

from claip_emo_mm.apis.frame_features import FrameFeatures


class Encoder:
    """Gives the mean color, and notes how many frames it gets at once."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def __call__(self, frames: Tensor) -> Tensor:
        self.sizes.append(len(frames))
        return frames.float().mean((2, 3))


@pytest.fixture
def images() -> Tensor:
    return torch.randint(0, 256, (6, 3, 5, 7), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_each_frame_is_encoded_once_also_in_the_next_batch(images: Tensor) -> None:
    encode = Encoder()
    features = FrameFeatures(encode)
    batches = [[[0, 1, 2], [1, 2, 3], [], [3, 0]], [[2, 3, 4], [4, 5]], [[0, 4]]]
    for batch in batches:
        found = features([images[indices] for indices in batch])
        assert [len(each) for each in found] == [len(indices) for indices in batch]
        for indices, each in zip(batch, found, strict=True):
            assert torch.equal(each, images[indices].float().mean((2, 3)))
    assert encode.sizes == [4, 2, 1]  # frame 0 was not in the second batch


def test_near_frames_have_the_feature_of_the_last_that_was_encoded() -> None:
    frames = torch.full((6, 3, 2, 2), 100, dtype=torch.uint8)
    for number, brightness in enumerate((100, 101, 103, 104, 105, 99)):
        frames[number] = brightness
    encode = Encoder()
    features = FrameFeatures(encode, tolerance=3)
    first, = features([frames[:3]])
    assert first[:, 0].tolist() == [100, 100, 103]
    second, third = features([frames[1:5], frames[4:]])  # 104 and 105 are near 103 of the batch before; 99 is far
    assert second[:, 0].tolist() == [100, 103, 103, 103] and third[:, 0].tolist() == [103, 99]
    assert encode.sizes == [2, 1]


def test_packed_windows(images: Tensor) -> None:
    encode = Encoder()
    samples = [ActionDataSample() for _ in range(3)]
    packed = dict(inputs=dict(frames=[images[:2], None, images[:0]], mel=[1, None, 2]), data_samples=samples)
    replaced = FrameFeatures(encode).replace(packed)
    assert replaced['inputs']['mel'] == [1, None, 2] and replaced['data_samples'] is samples
    first, second, third = replaced['inputs']['frames']
    assert torch.equal(first, images[:2].float().mean((2, 3))) and second is None and third.shape == (0, 3)
    assert packed['inputs']['frames'][0] is not first and packed['inputs']['frames'][0].shape == (2, 3, 5, 7)
    nothing = dict(inputs=dict(frames=[images[:0]], mel=[1]))
    assert FrameFeatures(encode).replace(nothing) is nothing
    assert encode.sizes == [2]
