"""The benchmark of the evaluation, with tiny encoders on three short clips."""
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile

from benchmarks.clips import make_clips, sample_lengths, to_and_fro
from benchmarks.evaluation import EvaluationMeasurement, benchmark_evaluation
from benchmarks.sizes import ModelSizes
from claip_emo_mm.datasets.transforms.sampling import regular_frames

SIZES = ModelSizes(dict(image_size=224, patch_size=112, width=64, layers=2, head_width=32, quick_gelu=True),
                   dict(embed_dims=8, depths=[1, 1], num_heads=[1, 2], fusion=True, num_classes=3))
PIPELINE = [dict(type='OpenAudioVisualClip'), dict(type='SampleFrameViews', num_clips=2, test_mode=True),
            dict(type='DecodeFrames'), dict(type='ResizeFrames', size=224, exact=True), dict(type='LoadAudioWindows'),
            dict(type='LogMel'), dict(type='PackAudioVisualInputs')]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """2 clips of 3 frames, 30 x 40, and 1,000 samples."""
    folder = tmp_path / 'tree'
    rng = np.random.default_rng(0)
    rows = ['frames,audio,label']
    for name in 'ab':
        (folder / name).mkdir(parents=True)
        for index in range(3):
            cv2.imwrite(str(folder / name / f'{index}.png'), rng.integers(0, 256, (30, 40, 3), dtype=np.uint8))
        soundfile.write(folder / f'{name}.wav', np.arange(1000) / 1000, 16000, subtype='FLOAT')
        rows.append(f'{name},{name}.wav,sad')
    (folder / 'test.csv').write_text('\n'.join(rows) + '\n')
    return folder


def test_lengths_are_dfews() -> None:
    lengths = sample_lengths(20000)
    assert np.quantile(lengths, [.05, .25, .5, .75, .95]) == pytest.approx([33, 48, 70, 95, 155], abs=1)
    assert lengths.min() >= 11 and lengths.max() <= 847
    distinct = [len(np.unique(regular_frames(length, 16, 4, 2))) for length in lengths]
    assert np.mean(distinct) == pytest.approx(19.0, abs=.1)  # 18.2 of the data set itself, which is no straight lines
    assert np.array_equal(sample_lengths(5, seed=3), sample_lengths(5, seed=3))
    assert not np.array_equal(sample_lengths(5, seed=3), sample_lengths(5, seed=4))


def test_clips_go_to_and_fro(tree: Path, tmp_path: Path) -> None:
    assert to_and_fro(3, 8).tolist() == [0, 1, 2, 1, 0, 1, 2, 1]
    clips = make_clips(tree, tmp_path / 'clips', [4, 1, 5])
    frames = sorted((tmp_path / 'clips' / clips[2].frames).iterdir())
    assert [frame.read_bytes() for frame in frames] == [
        (tree / f'a/{index}.png').read_bytes() for index in (0, 1, 2, 1, 0)]
    samples, _ = soundfile.read(tmp_path / 'clips' / clips[0].audio)
    assert len(samples) == 4 * 16000 // 25 and samples[999:1002].tolist() == pytest.approx(
        [.999, .998, .997], abs=1e-4)


@pytest.mark.usefixtures('laion_clap', 'clean_forks')
def test_both_score_the_same_and_are_timed(tree: Path, tmp_path: Path) -> None:
    clips = make_clips(tree, tmp_path / 'clips', [9, 70, 21])
    metrics = benchmark_evaluation(tmp_path / 'clips', clips, PIPELINE, SIZES, batch_size=2, rounds=2, num_threads=1)
    assert metrics.difference < 1e-5 and metrics.loaded_difference < 1e-3
    assert metrics.frames == pytest.approx((3 + 18 + 6) / 3) and metrics.audio == 1
    for who in ('plain', 'ours'):
        assert {stage: len(times) for stage, times in metrics.seconds[who].items()} == dict(loading=2, model=2)
    assert metrics.peak_bytes['ours'] > 4e5 and metrics.peak_bytes['plain'] > 4e5


def test_table_adds_loading_and_model() -> None:
    metrics = EvaluationMeasurement(dict(plain=dict(loading=[1., 2.], model=[5., 8.]),
                                     ours=dict(loading=[.5, .5], model=[.5, 1.5])), 18.2, 1, 2e-7, 3e-4,
                                dict(plain=4_000_000, ours=1_000_000))
    assert [' '.join(line.split()) for line in metrics.table().splitlines()] == [
        'seconds a test clip plain ours', 'loading 1.500 0.500 (3.00x)', 'model 6.500 1.000 (6.50x)',
        'both 8.000 1.500 (5.33x)', 'peak memory, MB 4 1 (0.25x)', 'frames encoded a clip 64 18.2',
        'audio windows encoded a clip 4 1.0',
        'largest difference of a score: 2.0e-07 of the same pixels, 3.0e-04 each with its own pipeline']
