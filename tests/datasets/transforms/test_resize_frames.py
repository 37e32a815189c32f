import cv2
import numpy as np
import pytest
from mmaction.registry import TRANSFORMS
from PIL import Image

from claip_emo_mm.datasets.transforms import ResizeFrames
from claip_emo_mm.errors import InputError


@pytest.mark.parametrize('exact', [True, False])
@pytest.mark.parametrize('shape', [(40, 30), (9, 7)])
def test_equals_pillow(shape: tuple[int, int], exact: bool) -> None:
    frames = np.stack([cv2.GaussianBlur(np.random.default_rng(seed).integers(0, 255, (*shape, 3), dtype=np.uint8),
                                        (3, 3), 0) for seed in (0, 1)])
    resized = TRANSFORMS.build(dict(type='ResizeFrames', size=16, exact=exact))(dict(imgs=frames))
    expected = [np.asarray(Image.fromarray(frame).resize((16, 16), Image.Resampling.BILINEAR)) for frame in frames]
    assert resized['imgs'].shape == (2, 16, 16, 3) and resized['imgs'].dtype == np.uint8
    assert resized['img_shape'] == (16, 16)
    np.testing.assert_allclose(resized['imgs'].astype(int), np.stack(expected), atol=0 if exact else 1)


@pytest.mark.parametrize('exact', [True, False])
def test_frames_of_different_sizes_become_one_array(exact: bool) -> None:
    frames = [np.full((8, 6, 3), 10, np.uint8), np.full((5, 9, 3), 20, np.uint8)]
    resized = ResizeFrames(size=4, exact=exact)(dict(imgs=frames))['imgs']
    assert resized.shape == (2, 4, 4, 3)
    assert resized.reshape(2, -1).max(axis=1).tolist() == [10, 20]


def test_needs_a_size_and_frames() -> None:
    with pytest.raises(InputError, match='ResizeFrames: size is -1. Expected at least 1'):
        ResizeFrames(size=-1)
    with pytest.raises(InputError, match='Put DecodeFrames before ResizeFrames'):
        ResizeFrames(size=4)(dict(label=0))
