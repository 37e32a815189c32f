import numpy as np
import pytest

from claip_emo_mm.datasets.transforms.audio import fill_window, window_bounds


@pytest.mark.parametrize(('span', 'track_samples', 'bounds'), [
    ((0.0, 0.5), 8, (0, 8)),  # shorter than a window: all of it
    ((0.2, 0.4), 10, (0, 10)),  # as long as a window: all of it
    ((0.2, 0.8), 50, (10, 40)),  # longer than a window: the part of the frames
    ((0.2, 0.3), 50, (10, 15)),  # also where that part is short
    ((0.0, 0.0), 50, (0, 10)),  # one frame: the window that begins there
    ((1.0, 1.0), 50, (40, 50)),
])
def test_bounds_for_a_window_of_10(span: tuple[float, float], track_samples: int, bounds: tuple[int, int]) -> None:
    assert window_bounds(span, track_samples, window_samples=10) == bounds


def test_short_audio_is_repeated_and_padded() -> None:
    samples = np.array([1, 2, 3], np.float32)
    filled = fill_window(samples, 10)
    assert filled.tolist() == [1, 2, 3, 1, 2, 3, 1, 2, 3, 0]
    assert filled.dtype == np.float32
    assert fill_window(samples, 2) is samples
