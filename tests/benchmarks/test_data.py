"""The data benchmark, on a small tree of frames and audio."""
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile

from benchmarks.baselines import PlainPipeline
from benchmarks.clips import encode_videos
from benchmarks.data import DataMeasurement, benchmark_data

LOAD = [dict(type='DecodeFrames'), dict(type='ResizeFrames', size=224)]
END = [dict(type='LogMel'), dict(type='PackAudioVisualInputs')]
PIPELINES = dict(
    train=[dict(type='OpenAudioVisualClip'), dict(type='SampleFrameViews'), *LOAD, dict(type='RandAugmentFrames'),
           dict(type='LoadAudioWindows'), *END],
    test=[dict(type='OpenAudioVisualClip'), dict(type='SampleFrameViews', num_clips=2, test_mode=True), *LOAD,
          dict(type='LoadAudioWindows'), *END])


@pytest.fixture(scope='module')
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2 clips, the same for training and test: 5 and 70 frames of 60 x 70, with 1 and 11 s of audio at 16 kHz."""
    folder = tmp_path_factory.mktemp('tree')
    rng = np.random.default_rng(0)
    rows = ['frames,audio,label']
    for num_frames, seconds in ((5, 1), (70, 11)):
        (folder / str(num_frames)).mkdir()
        for index in range(num_frames):
            image = cv2.GaussianBlur(rng.integers(0, 256, (60, 70, 3), dtype=np.uint8), (5, 5), 2)
            cv2.imwrite(str(folder / str(num_frames) / f'{index:03d}.jpg'), image)
        soundfile.write(folder / f'{num_frames}.wav', rng.normal(0.1, 0.1, 16000 * seconds), 16000)
        rows.append(f'{num_frames},{num_frames}.wav,sad')
    for split in PIPELINES:
        (folder / f'{split}.csv').write_text('\n'.join(rows) + '\n')
    return folder


def test_both_pipelines_give_the_same_and_are_timed(tree: Path) -> None:
    metrics = benchmark_data(tree, PIPELINES, rounds=2)
    assert metrics.pixel_difference <= 1 and metrics.equal_pixels > 0.95
    assert metrics.mel_difference < 5e-3
    for split, pipeline in PIPELINES.items():
        assert {who: len(speeds) for who, speeds in metrics.clips_per_s[split].items()} == dict(plain=2, ours=2)
        assert list(metrics.transform_ms[split]) == [transform['type'] for transform in pipeline]
        # what the transforms take together is what a clip takes: 1000 ms / (clips a second)
        spent = np.sum(list(metrics.transform_ms[split].values()), axis=0)
        np.testing.assert_allclose(spent, 1000 / np.array(metrics.clips_per_s[split]['ours']))


def test_videos_of_the_same_frames(tree: Path, tmp_path: Path) -> None:
    """From videos both pipelines give the same, too, and nearly what they give from the images."""
    for folder in ('frames', 'audio', 'videos'):
        (tmp_path / folder).mkdir()
    (tmp_path / 'frames' / 'a').symlink_to(tree / '70')
    (tmp_path / 'audio' / 'a.wav').symlink_to(tree / '70.wav')
    (tmp_path / 'videos' / 'a.mp4').touch()
    (tmp_path / 'test_videos.csv').write_text('video,label\nvideos/a.mp4,sad\n')
    encode_videos(tmp_path)
    metrics = benchmark_data(tmp_path, dict(test=PIPELINES['test']), rounds=1, storage='videos')
    assert metrics.pixel_difference <= 1 and metrics.equal_pixels > .95 and metrics.mel_difference < 5e-3
    views = PlainPipeline(training=False)(tmp_path / 'videos' / 'a.mp4')
    images = PlainPipeline(training=False)(tree / '70', tree / '70.wav')
    for view, image in zip(views, images, strict=True):
        difference = (view['pixels'].float() - image['pixels'].float()).abs().mean()
        other = (view['pixels'].float() - image['pixels'].flip(0).float()).abs().mean()
        assert difference < 12 < other


def test_a_different_pipeline_is_noticed(tree: Path) -> None:
    test = [dict(transform, window_ms=25) if transform['type'] == 'LogMel' else transform
            for transform in PIPELINES['test']]
    metrics = benchmark_data(tree, dict(test=test), rounds=1)
    assert metrics.mel_difference > 0.1


def test_plain_samples_have_every_view(tree: Path) -> None:
    views = PlainPipeline(training=False)(tree / '70', tree / '70.wav')
    [training] = PlainPipeline(training=True)(tree / '70', tree / '70.wav')
    for view in (*views, training):
        assert view['frames'].shape == (16, 3, 224, 224) and view['mel'].shape == (1024, 64)
    assert len(views) == 4  # 2 windows x 2 crops, which are equal where frames are square
    assert [bool((view['frames'] == views[0]['frames']).all()) for view in views] == [True, True, False, False]


def test_table_shows_clips_a_second_beside_plain() -> None:
    metrics = DataMeasurement(dict(test=dict(plain=[1., 9., 2.5], ours=[10.])), dict(test=dict(LogMel=[2., 4., 3.])), 2,
                          1e-4, .75)
    assert [' '.join(line.split()) for line in metrics.table().splitlines()] == [
        'clips a second, one worker plain ours', 'test 2.50 10.00 (4.00x)', 'test pipeline, ms a clip', 'LogMel 3.00',
        'test pipelines: largest difference 2 of 255 in a pixel (75.00 % are equal), 1.0e-04 in the filterbank']
