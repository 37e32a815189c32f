import numpy as np
from mmaction.registry import TRANSFORMS


def test_each_window_is_rolled_and_scaled_by_its_own_draw() -> None:
    window = np.arange(1, 101, dtype=np.float32)
    transform = TRANSFORMS.build(dict(type='RandomRollGain'))
    np.random.seed(0)
    windows = transform(dict(audios=[window] * 300))['audios']
    gains = np.array([samples.max() / 100 for samples in windows])
    starts = [int(samples.argmin()) for samples in windows]
    for samples, gain, start in zip(windows, gains, starts, strict=True):
        assert samples.dtype == np.float32
        np.testing.assert_allclose(samples, gain * np.roll(window, start), rtol=1e-5)
    assert len(set(starts)) > 80
    # Beta(10, 10) has mean 0.5 and standard deviation 1 / sqrt(84) = 0.109
    assert 0.5 < gains.min() and gains.max() < 1.5
    np.testing.assert_allclose([gains.mean(), gains.std()], [1.0, 0.109], atol=0.02)
    np.random.seed(0)
    assert np.array_equal(transform(dict(audios=[window]))['audios'][0], windows[0])
