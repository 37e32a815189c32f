import importlib.util
import json
import math
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from mmaction.registry import TRANSFORMS

from claip_emo_mm.datasets.transforms import LoadAudioWindows, LogMel
from claip_emo_mm.datasets.transforms.filterbanks import ClapFilterbank
from claip_emo_mm.errors import InputError


def load_formulas(fixtures: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location('parity_weights', fixtures / 'parity_weights.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_equals_the_reference(shared: Path, make_sample) -> None:
    fixtures = shared / 'reference/fixtures'
    transform = TRANSFORMS.build(dict(type='LogMel'))
    for entry in json.loads((fixtures / 'audio_frontend.json').read_text()):
        waveform = load_formulas(fixtures).waveform(entry['name'], entry['samples'], entry['sample_rate'])[0]
        sample = make_sample(samples=waveform, sample_rate_hz=entry['sample_rate'], audio_spans=np.array([[0.0, 1.0]]))
        mel = transform(LoadAudioWindows()(sample))['mel']
        assert mel.shape == (1, 1, 1024, 64) and mel.dtype == torch.float32
        for row in (key for key in entry if key.startswith('row')):
            np.testing.assert_allclose(mel[0, 0, int(row[3:])], entry[row], atol=1e-3, err_msg=f'{entry["name"]} {row}')
        assert mel[0, 0, entry['frames']:].abs().max() == 0
        assert (mel.mean().item(), mel.std().item()) == pytest.approx((entry['mean'], entry['std']), abs=1e-3)


def test_every_window_is_padded_or_cut() -> None:
    # windows of 400 samples every 192: 1000 samples give 1 + 600 // 192 = 4 rows
    audios = [np.random.default_rng(seed).normal(size=1000).astype(np.float32) for seed in (0, 1)]
    sample = dict(audios=audios, sample_rate_hz=16000)
    options = dict(sample_rate_hz=16000, num_mel_bins=5, window_ms=25, shift_ms=12)
    padded = LogMel(num_frames=6, **options)(sample)['mel']
    short = LogMel(num_frames=3, **options)(sample)['mel']
    assert padded.shape == (2, 1, 6, 5) and short.shape == (2, 1, 3, 5)
    assert (padded[:, :, 4:] == 0).all() and (padded[:, :, :4] != 0).all()
    assert torch.equal(padded[:, :, :3], short)
    assert not torch.equal(short[0], short[1])


def test_silence_is_the_floor() -> None:
    mel = LogMel(16000, num_frames=4)(dict(audios=[np.zeros(1600, np.float32)], sample_rate_hz=16000))['mel']
    assert mel.unique().tolist() == pytest.approx([math.log(2 ** -23)])


def test_bad_audio() -> None:
    with pytest.raises(InputError, match='sample_rate_hz is 48000, but the audio has 16000 Hz'):
        LogMel()(dict(audios=[np.zeros(1600, np.float32)], sample_rate_hz=16000))
    with pytest.raises(InputError, match='10 samples of audio, 336 expected at least'):
        LogMel(16000)(dict(audios=[np.zeros(10, np.float32)], sample_rate_hz=16000))


def test_clap_stretches_its_frames_as_laion_clap_does() -> None:
    samples = np.random.default_rng(2).normal(0.2, 0.1, 480000).astype(np.float32)
    sample = dict(audios=[samples], sample_rate_hz=48000)
    mel = TRANSFORMS.build(dict(type='LogMel', front_end='clap'))(sample)['mel'][0, 0]
    frames = ClapFilterbank(48000, 64, 21, 10)(torch.from_numpy(samples))
    assert mel.shape == (1024, 64) and frames.shape == (1001, 64)
    torch.testing.assert_close(mel[[0, -1]], frames[[0, -1]])
    # frame 200 of 0..1023 lies at 200 * 1000 / 1023 = 195.503 of 0..1000: cubic convolution with a = -0.75
    t, a = 200 * 1000 / 1023 - 195, -0.75
    weights = [((a * d - 5 * a) * d + 8 * a) * d - 4 * a if d > 1 else ((a + 2) * d - (a + 3)) * d * d + 1
               for d in (1 + t, t, 1 - t, 2 - t)]
    expected = sum(weight * frame for weight, frame in zip(weights, frames[194:198], strict=True))
    torch.testing.assert_close(mel[200], expected, atol=1e-3, rtol=0)


def test_clap_cuts_what_is_longer() -> None:
    samples = np.random.default_rng(2).normal(0, 0.1, 9600).astype(np.float32)
    mel = LogMel(num_frames=11, front_end='clap')(dict(audios=[samples], sample_rate_hz=48000))['mel']
    torch.testing.assert_close(mel[0, 0], ClapFilterbank(48000, 64, 21, 10)(torch.from_numpy(samples))[:11])


@pytest.mark.parametrize('name', ['sample_rate_hz', 'num_mel_bins', 'window_ms', 'shift_ms', 'num_frames'])
def test_sizes_that_are_none(name: str) -> None:
    with pytest.raises(InputError, match=f'LogMel: {name} is 0. Expected (more than 0|at least 1)'):
        LogMel(**{name: 0})


def test_unknown_front_end() -> None:
    with pytest.raises(InputError, match="front_end is 'mfcc'. Expected 'kaldi' or 'clap'"):
        LogMel(front_end='mfcc')
