import numpy as np
import pytest
from mmaction.registry import TRANSFORMS

from claip_emo_mm.datasets.transforms import LoadAudioWindows
from claip_emo_mm.errors import InputError


def spans(*values: tuple[float, float]) -> np.ndarray:
    return np.array(values)


def test_a_short_track_is_one_window_for_all_views(make_sample) -> None:
    sample = make_sample(samples=np.array([1, 2, 3], np.float32), audio_spans=spans((0, 0.5), (0.5, 1), (0, 1)))
    loaded = TRANSFORMS.build(dict(type='LoadAudioWindows', sample_rate_hz=10, window_s=0.8))(sample)
    assert [window.tolist() for window in loaded['audios']] == [[1, 2, 3, 1, 2, 3, 0, 0]]
    assert loaded['audio_index'].tolist() == [0, 0, 0]
    assert loaded['sample_rate_hz'] == 10 and loaded['audio_missing'] is False
    assert 'audios' not in sample


def test_windows_of_a_long_track_follow_the_frames(make_sample) -> None:
    track = np.arange(20, dtype=np.float32)
    sample = make_sample(samples=track, audio_spans=spans((0.5, 0.7), (0.1, 0.6), (0.5, 0.7)))
    loaded = LoadAudioWindows(sample_rate_hz=10, window_s=0.8)(sample)
    assert [window.tolist() for window in loaded['audios']] == [[2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
                                                                [10, 11, 12, 13] * 2]
    assert loaded['audio_index'].tolist() == [1, 0, 1]


@pytest.mark.parametrize(('resampler', 'accuracy'), [('sinc', .02), ('soxr', 1e-3)])
def test_resampling_keeps_a_tone(make_sample, resampler: str, accuracy: float) -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(16000) / 16000).astype(np.float32)
    sample = make_sample(samples=tone, sample_rate_hz=16000, audio_spans=spans((0, 1)))
    [window] = LoadAudioWindows(sample_rate_hz=48000, window_s=1, resampler=resampler)(sample)['audios']
    expected = np.sin(2 * np.pi * 440 * np.arange(48000) / 48000)
    assert window.shape == (48000,) and window.dtype == np.float32
    np.testing.assert_allclose(window[500:-500], expected[500:-500], atol=accuracy)


@pytest.mark.parametrize('resampler', ['sinc', 'soxr'])
@pytest.mark.parametrize('samples', [1, 2, 3, 4, 9])
def test_audio_of_few_samples_fills_the_window(make_sample, samples: int, resampler: str) -> None:
    sample = make_sample(samples=np.full(samples, .5, np.float32), sample_rate_hz=48000, audio_spans=spans((0, 1)))
    [window] = LoadAudioWindows(sample_rate_hz=8000, window_s=.01, resampler=resampler)(sample)['audios']
    assert window.shape == (80,) and window.dtype == np.float32 and np.isfinite(window).all()
    assert window[0] != 0


@pytest.mark.parametrize(('samples', 'note'), [
    (np.full(9, 9e-4, np.float32), 'the audio is silent: no sample is above 0.001 of 1'),
    (np.full(9, -.002, np.float32), '')])
def test_silence_is_noted(make_sample, samples: np.ndarray, note: str) -> None:
    loaded = LoadAudioWindows(sample_rate_hz=10, window_s=.8)(make_sample(samples=samples, audio_spans=spans((0, 1))))
    assert loaded['audio_note'] == note


def test_missing_audio_is_an_error_or_silence_by_choice(make_sample) -> None:
    sample = make_sample(audio_spans=spans((0, 0.5), (0.5, 1)))
    with pytest.raises(InputError, match="memory: the clip has no audio.*on_missing='silence'"):
        LoadAudioWindows(sample_rate_hz=10, window_s=0.8)(sample)
    loaded = LoadAudioWindows(sample_rate_hz=10, window_s=0.8, on_missing='silence')(sample)
    assert [window.tolist() for window in loaded['audios']] == [[0] * 8]
    assert loaded['audio_index'].tolist() == [0, 0] and loaded['audio_missing'] is True


def test_missing_audio_can_be_masked(make_sample) -> None:
    sample = make_sample(audio_spans=spans((0, 0.5), (0.5, 1)))
    loaded = LoadAudioWindows(sample_rate_hz=10, window_s=0.8, on_missing='mask')(sample)
    assert [window.tolist() for window in loaded['audios']] == [[0] * 8]
    assert loaded['audio_index'].tolist() == [-1, -1] and loaded['audio_missing'] is True


def test_bad_choice() -> None:
    with pytest.raises(InputError, match='LoadAudioWindows: window_s is 0. Expected more than 0'):
        LoadAudioWindows(window_s=0)
    with pytest.raises(InputError, match="on_missing is 'skip'"):
        LoadAudioWindows(on_missing='skip')
    with pytest.raises(InputError, match="resampler is 'kaiser'. Expected 'sinc' or 'soxr'"):
        LoadAudioWindows(resampler='kaiser')
