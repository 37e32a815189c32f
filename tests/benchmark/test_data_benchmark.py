
import cv2
import numpy as np
import pytest
import soundfile
import torch

from claip_emo_mm.benchmark import DataFigures, benchmark_data
from claip_emo_mm.benchmark.plain_data import PlainData


@pytest.fixture(scope='module')
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    """2 clips: 5 and 70 frames of 60 x 70 with 1 and 11 s of sound at 16 kHz."""
    folder = tmp_path_factory.mktemp('clips')
    draw = np.random.default_rng(0)
    made = []
    for num_frames, seconds in ((5, 1), (70, 11)):
        frames = folder / str(num_frames)
        frames.mkdir()
        for index in range(num_frames):
            image = cv2.GaussianBlur(draw.integers(0, 256, (60, 70, 3), dtype=np.uint8), (5, 5), 2)
            cv2.imwrite(str(frames / f'{index:03d}.jpg'), image)
        sound = frames.with_suffix('.wav')
        soundfile.write(sound, draw.normal(0.1, 0.1, 16000 * seconds), 16000)
        made.append(dict(frame_dir=str(frames), audio_path=str(sound)))
    return made


def test_both_pipelines_give_the_same_and_are_timed(clips: list[dict[str, str]]) -> None:
    threads = torch.get_num_threads()
    figures = benchmark_data(clips, rounds=2)
    assert figures.pixel_difference < 1e-3  # of float32 that was normalised and back
    assert figures.mel_difference < 5e-3
    for mode in ('train', 'test'):
        assert len(figures.plain_s[mode]) == len(figures.ours_s[mode]) == 2
        spent = np.sum(list(figures.transform_s[mode].values()), axis=0)
        assert (0 < spent).all() and (spent <= figures.ours_s[mode]).all()
    # test: frames 0 and 4 of the short one; every 4th of 70 frames, 18 in all, of the long one
    assert figures.distinct_frames['test'] == (2 + 18) / 2
    assert 'RandAugmentFrames' in figures.transform_s['train'] and 'ResizeFrames' in figures.transform_s['test']
    assert torch.get_num_threads() == threads


def test_plain_samples_have_every_view(clips: list[dict[str, str]]) -> None:
    plain = PlainData()
    np.random.seed(0)
    training, test = plain.training_sample(clips[1]), plain.test_sample(clips[1])
    assert training['frames'].shape == (1, 16, 3, 224, 224) and training['mel'].shape == (1, 1, 1024, 64)
    assert test['frames'].shape == (4, 16, 3, 224, 224) and test['mel'].shape == (4, 1, 1024, 64)
    assert torch.equal(test['frames'][0], test['frames'][1])  # the spatial views of square frames
    assert not torch.equal(test['frames'][0], test['frames'][2])


def test_table_shows_clips_a_second_beside_plain() -> None:
    figures = DataFigures(plain_s=dict(train=[4., 9., 2.], test=[8.]), ours_s=dict(train=[1.], test=[1.]),
                          transform_s=dict(train=dict(A=[0.5], B=[0.25]), test=dict(A=[0.75])), num_clips=10,
                          distinct_frames=dict(train=3., test=5.5), pixel_difference=1., mel_difference=1e-4)
    lines = [' '.join(line.split()) for line in figures.table().splitlines()]
    assert lines == ['train test',
                     'plain 2.5 clips/s (1.00x) 1.2 clips/s (1.00x)',
                     'ours 10.0 clips/s (4.00x) 10.0 clips/s (8.00x)',
                     'distinct frames a clip 3.0 5.5',
                     'time of a clip, ours:',
                     'A 50.00 ms 75.00 ms',
                     'B 25.00 ms -',
                     'test, largest difference plain to ours: 1.000 steps of brightness, 1.0e-04 of the filterbank']
