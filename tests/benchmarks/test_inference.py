"""The clocks of the inference benchmark, on a drawn clip."""
from pathlib import Path

import numpy as np
import pytest

from benchmarks.inference import (
    STAGES,
    InferenceMeasurement,
    TimedFile,
    TimedInferencer,
    benchmark_inference,
    infer_plainly,
    write_random_checkpoint,
)
from claip_emo_mm.apis import EmotionInferencer, FaceBox
from claip_emo_mm.engine.config import load_config
from claip_emo_mm.media.video import VideoFile
from claip_emo_mm.toy.dataset import make_toy_set

CONFIG = Path(__file__).parents[2] / 'configs' / 'claip_emo_tiny_toy.py'


class Middle:
    """Finds a face in the middle of every frame, and counts them."""

    frames = 0

    def find(self, frame: np.ndarray) -> list[FaceBox]:
        self.frames += 1
        return [FaceBox(40, 40, 60, 60, .9)]


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp('checkpoint') / 'random.pth'
    write_random_checkpoint(load_config(CONFIG), path)
    return path


@pytest.fixture(scope='module')
def video(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp('toy')
    make_toy_set(folder, clips=(1, 1, 1), workers=1)
    return str(next((folder / 'videos').glob('test*.mp4')))


def test_clocks_change_nothing_and_every_stage_is_timed(checkpoint: Path, video: str) -> None:
    detector = Middle()
    infer = TimedInferencer(str(checkpoint), 'cpu', None, detector)
    timed = infer.infer(TimedFile(video, infer.clock))
    assert timed == EmotionInferencer(checkpoint, 'cpu', detector=detector).infer(video)
    assert set(infer.clock.seconds) == set(STAGES) and min(infer.clock.seconds.values()) > 0
    windows = [(row.from_s, row.to_s) for row in timed.rows] * 2
    detector.frames = 0
    plain, _ = infer_plainly(infer, video, 'largest', windows, detector)
    assert set(plain.seconds) == set(STAGES)
    assert detector.frames == 2 * VideoFile(video).num_frames  # every frame of each window


def test_both_ways_show_the_model_the_same_frames(tmp_path: Path, video: str) -> None:
    write_random_checkpoint(load_config(CONFIG.with_name('claip_emo_tiny_toy_visual.py')), tmp_path / 'random.pth')
    infer = TimedInferencer(str(tmp_path / 'random.pth'), 'cpu', None, Middle())
    rows = infer.infer(video, face='none', window_s=1., stride_s=.36).rows
    _, scores = infer_plainly(infer, video, 'none', [(row.from_s, row.to_s) for row in rows], Middle())
    np.testing.assert_allclose(scores, [list(row.scores.values()) for row in rows], atol=1e-6)
    assert len(rows) > 2


def test_the_table_without_a_baseline() -> None:
    lines = InferenceMeasurement(60., dict(plain={}, ours=dict(model=[20.]))).table().splitlines()
    assert [line.split() for line in lines if 'real time' in line] == [['times', 'real', 'time', '-', '3.00']]


def test_the_table_adds_up(checkpoint: Path, video: str) -> None:
    metrics = benchmark_inference(video, str(checkpoint), 'none', rounds=1, num_threads=1)
    assert metrics.seconds['ours'].keys() - metrics.seconds['plain'].keys() == {
        'json, csv and plot', 'video with boxes'}
    lines = {line[:34].strip(): line[34:].split() for line in metrics.table().splitlines()}
    for place, who in enumerate(('plain', 'ours')):
        whole = sum(seconds[0] for stage, seconds in metrics.seconds[who].items() if stage in lines
                    and stage not in ('json, csv and plot', 'video with boxes'))
        assert float(lines['total'][place]) == pytest.approx(whole, abs=.006)
        assert float(lines['times real time'][place]) == pytest.approx(metrics.length_s / whole, rel=.02)
    assert metrics.seconds['ours']['faces'] == [0.]
