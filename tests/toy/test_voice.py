import numpy as np
import pytest

from claip_emo_mm.toy.voice import SAMPLE_RATE_HZ, Prosody, VoiceIdentity, babble

VOICE = VoiceIdentity(female=False, pitch_hz=120., tract=1., breath=.005)


def measure_pitch_hz(waveform: np.ndarray) -> float:
    """Highest peak of the autocorrelation between 70 and 450 Hz, refined by a parabola."""
    spectrum = np.abs(np.fft.rfft(waveform, 2 * len(waveform))) ** 2
    correlation = np.fft.irfft(spectrum)
    low, high = SAMPLE_RATE_HZ // 450, SAMPLE_RATE_HZ // 70
    lag = low + int(np.argmax(correlation[low:high]))
    before, at, after = correlation[lag - 1:lag + 2]
    return SAMPLE_RATE_HZ / (lag + (before - after) / (2 * (before - 2 * at + after)))


def count_syllables(waveform: np.ndarray) -> int:
    """Rises of the energy in 10 ms through a tenth of its peak."""
    hop = SAMPLE_RATE_HZ // 100
    energy = np.abs(waveform[:len(waveform) // hop * hop].reshape(-1, hop)).max(1)
    loud = np.append(False, energy > .15 * energy.max())
    return int((loud[1:] & ~loud[:-1]).sum())


@pytest.mark.parametrize('loudness', [.3, .9])
def test_audio_has_its_length_and_loudness(loudness: float) -> None:
    waveform = babble(np.random.default_rng(0), VOICE, Prosody(loudness=loudness), 1.73)
    assert waveform.shape == (round(1.73 * SAMPLE_RATE_HZ),)
    assert waveform.dtype == np.float32
    assert np.abs(waveform).max() == pytest.approx(loudness)


@pytest.mark.parametrize('factor', [.75, 1., 1.5])
def test_a_monotone_has_the_pitch_asked_for(factor: float) -> None:
    waveform = babble(np.random.default_rng(1), VOICE, Prosody(pitch=factor, melody=0), 1.5)
    assert measure_pitch_hz(waveform) == pytest.approx(120 * factor, rel=.02)


def test_melody_moves_the_pitch() -> None:
    spread = []
    for melody in (.2, 2.):
        waveform = babble(np.random.default_rng(2), VOICE, Prosody(melody=melody), 2.4)
        pieces = [measure_pitch_hz(piece) for piece in waveform.reshape(-1, 2400)]  # 150 ms each
        spread.append(np.std(np.log2(np.clip(pieces, 80, 240))))
    assert spread[1] > 2 * spread[0]


@pytest.mark.parametrize(('pace', 'syllables'), [(.7, 7), (1., 10), (1.4, 14)])
def test_pace_is_syllables_per_second(pace: float, syllables: int) -> None:
    waveform = babble(np.random.default_rng(3), VOICE, Prosody(pace=pace), 2.1)  # .21 s each at pace 1
    assert count_syllables(waveform) == syllables


def test_a_shorter_tract_sounds_brighter() -> None:
    centroids = []
    for tract in (.95, 1.2):
        voice = VoiceIdentity(female=True, pitch_hz=120., tract=tract, breath=0.)
        spectrum = np.abs(np.fft.rfft(babble(np.random.default_rng(4), voice, Prosody(), 2.))) ** 2
        centroids.append((np.arange(len(spectrum)) * spectrum).sum() / spectrum.sum())
    assert centroids[1] > 1.1 * centroids[0]


def test_the_same_stream_says_the_same() -> None:
    said = [babble(np.random.default_rng(seed), VOICE, Prosody(), 1.) for seed in (7, 7, 8)]
    np.testing.assert_array_equal(said[0], said[1])
    assert not np.array_equal(said[0], said[2])


def test_women_speak_higher_than_men() -> None:
    women, men = ([VoiceIdentity.sample(np.random.default_rng(seed), female) for seed in range(50)]
                  for female in (True, False))
    assert min(voice.pitch_hz for voice in women) > max(voice.pitch_hz for voice in men)
    assert min(voice.tract for voice in women) > max(voice.tract for voice in men)
    assert {VoiceIdentity.sample(np.random.default_rng(seed)).female for seed in range(20)} == {False, True}
