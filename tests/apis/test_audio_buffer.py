"""The audio that windows are cut from."""
from collections.abc import Iterator

import numpy as np
import pytest

from claip_emo_mm.apis.window_clip import AudioBuffer

RATE_HZ = 1000
WHOLE = np.random.default_rng(0).uniform(-1, 1, (70 * RATE_HZ, 2)).astype(np.float32)
MEAN = (WHOLE[:, 0] + WHOLE[:, 1]) / 2


class Packets:
    """Gives audio in packets of 20 samples, and counts them."""

    has_audio = True

    def __init__(self) -> None:
        self.given = 0
        self.warnings: list[str] = []

    def audio(self) -> Iterator[tuple[float, np.ndarray, int]]:
        for start in range(0, len(WHOLE), 20):
            self.given += 1
            yield start / RATE_HZ, WHOLE[start:start + 20], RATE_HZ


def test_windows_hold_their_samples() -> None:
    source = Packets()
    buffer = AudioBuffer(source)
    for start_s in (0., 2.013, 4.1, 4.1):
        samples, _ = buffer.cut(start_s, start_s + 3)
        start = round(start_s * RATE_HZ)
        np.testing.assert_array_equal(samples, MEAN[start:start + 3000])
        assert source.given == -(-(start + 3000) // 20)  # no more than is needed
        buffer.forget(start_s)
    samples, _ = buffer.cut(69.5, 72)
    np.testing.assert_array_equal(samples, MEAN[69500:])
    assert buffer.cut(70., 72) is None and buffer.end_s == 70
    assert buffer.envelope == pytest.approx(np.abs(WHOLE).reshape(700, -1).max(axis=1).tolist())


def test_packets_are_kept_as_they_came_and_forgotten_behind_the_window() -> None:
    buffer = AudioBuffer(Packets())
    buffer.read_until(60.)
    assert len(buffer._kept) == 3000 and all(np.shares_memory(packet, WHOLE) for packet in buffer._kept)
    buffer.forget(2.01)
    assert len(buffer._kept) == 2900  # the one in which 2.01 s lies is kept
    np.testing.assert_array_equal(buffer.cut(2.01, 62.01).samples, MEAN[2010:62010])
