"""Transforms that corrupt clips."""
import numpy as np
import pytest
from mmaction.registry import TRANSFORMS

from claip_emo_mm.errors import InputError


def corrupt(results: dict, **transform: object) -> dict:
    return TRANSFORMS.build(transform)(results)


@pytest.mark.parametrize(('snr_db', 'ratio'), [(20, .01), (0, 1.), (-10, 10.)])
def test_noise_has_the_power_that_is_asked(snr_db: float, ratio: float) -> None:
    audio = [np.sin(np.arange(50_000) / 3, dtype=np.float32), np.zeros(7, np.float32)]
    noisy = corrupt(dict(audios=audio, filename='a/b.mp4'), type='AddAudioNoise', snr_db=snr_db)['audios']
    noise = noisy[0] - audio[0]
    assert noisy[0].dtype == np.float32
    assert np.mean(noise ** 2) / np.mean(audio[0] ** 2) == pytest.approx(ratio, rel=.03)
    assert abs(np.corrcoef(noise[:-1], noise[1:])[0, 1]) < .02  # white
    assert not noisy[1].any()


def test_noise_depends_on_the_name_of_the_clip_not_on_its_folder() -> None:
    audio = [np.ones(9, np.float32)]
    first, moved, other, alone, again = (
        corrupt(dict(audios=audio, **where), type='AddAudioNoise', snr_db=0, seed=seed)['audios'][0]
        for where, seed in ((dict(filename='a/b.mp4'), 0), (dict(filename='/c/b.mp4'), 0),
                            (dict(frame_dir='a/c'), 0), (dict(audio_path='a/c.wav'), 0),
                            (dict(filename='a/b.mp4'), 1)))
    assert np.array_equal(first, moved)
    assert not np.array_equal(first, other) and not np.array_equal(first, again)
    assert not any(np.array_equal(alone, other_noise) for other_noise in (first, other))


def test_blur_spreads_a_point_over_a_ratio_of_the_width() -> None:
    frames = np.zeros((2, 41, 81, 3), np.uint8)
    frames[:, 20, 40] = 255
    blurred = corrupt(dict(imgs=frames), type='BlurFrames', sigma=2 / 81)['imgs'].astype(float)
    assert blurred.shape == frames.shape
    # A Gaussian of 2 pixels: its peak is 1 / (2 pi 2^2), a pixel at distance 2 has exp(-1/2) of it.
    assert blurred[1, 20, 40, 0] == pytest.approx(255 / (8 * np.pi), abs=1.)
    assert blurred[1, 20, 42, 0] == pytest.approx(255 / (8 * np.pi) * np.exp(-.5), abs=1.)


def test_occlusion_covers_the_ratio_at_one_place() -> None:
    frames = np.full((3, 20, 40, 3), 7, np.uint8)
    covered = corrupt(dict(imgs=frames, filename='b.mp4'), type='OccludeFrames', ratio=.25)['imgs']
    gray = (covered == 128).all(axis=-1)
    assert gray[0].sum() == 10 * 20 and np.array_equal(gray[0], gray[2])
    rows, columns = np.nonzero(gray[0])
    assert (np.ptp(rows), np.ptp(columns)) == (9, 19)
    assert (covered[~gray] == 7).all() and (frames == 7).all()


def test_lost_frames_show_the_last_one_before() -> None:
    views = np.array([[0, 1, 2, 3], [1, 2, 3, 4]])
    sample = dict(frame_inds=np.array([0, 4, 8, 12, 16]), frame_index=views, filename='b.mp4')
    lost = corrupt(sample, type='DropFrames', ratio=.5)
    shown, before = lost['frame_inds'][lost['frame_index']], sample['frame_inds'][views]
    assert len(lost['frame_inds']) == 3 and lost['frame_inds'][0] == 0  # 2 of the 4 behind the first
    kept = set(lost['frame_inds'].tolist())
    expected = [[max(frame for frame in kept if frame <= number) for number in row] for row in before.tolist()]
    assert shown.tolist() == expected
    one = corrupt(sample, type='DropFrames', ratio=1)
    assert one['frame_inds'].tolist() == [0] and not one['frame_index'].any()


@pytest.mark.parametrize(('transform', 'expected'), [
    (dict(type='BlurFrames', sigma=0), 'BlurFrames: sigma is 0'),
    (dict(type='OccludeFrames', ratio=1.5), 'OccludeFrames: ratio is 1.5'),
    (dict(type='DropFrames', ratio=0), 'DropFrames: ratio is 0')])
def test_numbers_out_of_range(transform: dict, expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        TRANSFORMS.build(transform)
