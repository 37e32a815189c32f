import numpy as np
import pytest
from mmaction.registry import TRANSFORMS

WINDOW = np.arange(1, 101, dtype=np.float32)


def augmented(count: int, **options: bool) -> list[np.ndarray]:
    np.random.seed(0)
    return TRANSFORMS.build(dict(type='RandomRollGain', **options))(dict(audios=[WINDOW] * count))['audios']


@pytest.mark.parametrize('roll', [False, True])
def test_each_window_has_its_own_gain(roll: bool) -> None:
    windows = augmented(2000, roll=roll)
    gains = np.array([samples.max() / 100 for samples in windows])
    assert all(samples.dtype == np.float32 for samples in windows) and len(set(gains.tolist())) > 1900
    # Beta(10, 10) has mean 0.5 and standard deviation 1 / sqrt(84) = 0.109; 90 % lie between 0.321 and 0.679
    assert 0.5 < gains.min() and gains.max() < 1.5
    np.testing.assert_allclose([gains.mean(), gains.std()], [1.0, 0.109], atol=0.008)
    np.testing.assert_allclose(np.quantile(gains, [.05, .95]), [.821, 1.179], atol=.02)
    assert np.array_equal(augmented(1, roll=roll)[0], windows[0])


def test_audio_is_not_rolled_unless_asked_for() -> None:
    for samples in augmented(300):
        np.testing.assert_allclose(samples / samples[0], WINDOW, rtol=1e-5)


def test_rolled_windows_begin_anywhere() -> None:
    windows = augmented(300, roll=True)
    starts = [int(samples.argmin()) for samples in windows]
    for samples, start in zip(windows, starts, strict=True):
        np.testing.assert_allclose(samples / samples.min(), np.roll(WINDOW, start), rtol=1e-5)
    assert len(set(starts)) > 80
