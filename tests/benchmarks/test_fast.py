"""The benchmark of the options that are faster, with tiny encoders on a short clip."""
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile

from benchmarks.fast import FastMeasurement, benchmark_fast, turned_on
from benchmarks.sizes import ModelSizes
from claip_emo_mm.apis.zero_shot import build_zero_shot
from claip_emo_mm.datasets.annotations import ListedClip
from claip_emo_mm.models.layers.int8 import has_int8
from claip_emo_mm.toy.dataset import make_toy_set

SIZES = ModelSizes(dict(image_size=224, patch_size=56, width=64, layers=2, head_width=32, quick_gelu=True),
                   dict(embed_dims=8, depths=[1, 1], num_heads=[1, 2], fusion=True, num_classes=3))
PIPELINE = [dict(type='OpenAudioVisualClip'), dict(type='SampleFrameViews', num_clips=2, test_mode=True),
            dict(type='DecodeFrames'), dict(type='ResizeFrames', size=224, exact=True), dict(type='LoadAudioWindows'),
            dict(type='LogMel'), dict(type='PackAudioVisualInputs')]


@pytest.mark.usefixtures('laion_clap')
def test_rows_are_the_options_alone_and_together(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / 'a').mkdir()
    for index in range(3):
        cv2.imwrite(str(tmp_path / 'a' / f'{index}.png'), rng.integers(0, 256, (30, 40, 3), dtype=np.uint8))
    soundfile.write(tmp_path / 'a.wav', np.arange(1000) / 1000, 16000, subtype='FLOAT')
    clips = [ListedClip(1, 'sad', frames='a', audio='a.wav')]
    make_toy_set(tmp_path / 'toy', clips=(1, 1, 1), workers=1)
    metrics = benchmark_fast(tmp_path, clips, PIPELINE, SIZES, build_zero_shot(arch='toy'), tmp_path / 'toy/test.csv',
                             rounds=1, num_threads=1)
    rows = list(metrics.seconds)
    assert rows[:3] == ['plain', 'exact', 'frame_tolerance=1.0'] and rows[-1] == '--fast'
    assert ('int8=True' in rows) is has_int8()
    assert metrics.differences['exact'] == 0 and metrics.differences['plain'] < 1e-5
    assert metrics.differences[rows[-1]] > 1e-6
    assert metrics.toy['exact'][1] == 0 and 0 <= metrics.toy[rows[-1]][0] <= 100 and metrics.num_toy == 7


def test_table() -> None:
    metrics = FastMeasurement(dict(plain=[6., 8.], exact=[2.], all=[1.]), dict(plain=[8.], exact=[4.], all=[2.]),
                              dict(plain=1e-7, exact=0., all=.25), dict(exact=(50., 0.), all=(42.5, .125)), 40)
    lines = [line.split() for line in metrics.table().splitlines()]
    assert lines[3] == ['all', '1.000', '7.00x', '2.00x', '2.000', '4.00x', '2.5e-01', '42.5%', '1.2e-01']
    assert lines[1][:7] == ['plain', '7.000', '1.00x', '0.29x', '8.000', '1.00x', '1.0e-07']


def test_options_are_off_afterwards() -> None:
    model = SIZES.build_ours()
    with turned_on(model, {'visual_backbone.merged_tokens': 2, 'precision': 'bf16'}):
        assert model.visual_backbone.merged_tokens == 2 and model.precision == 'bf16'
    assert model.visual_backbone.merged_tokens == 0 and model.precision == 'fp32'
