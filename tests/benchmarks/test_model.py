import pytest

from benchmarks.model import ModelMeasurement, benchmark_model
from benchmarks.sizes import ModelSizes
from claip_emo_mm.errors import InputError

SIZES = ModelSizes(dict(image_size=48, patch_size=16, width=64, layers=2, head_width=32, mlp_ratio=3., quick_gelu=True),
                   dict(embed_dims=8, depths=[1, 1], num_heads=[1, 2], spec_size=64, mel_bins=16, fusion=True,
                        num_classes=3), num_clips=2, num_frames=3)


@pytest.mark.usefixtures('laion_clap', 'clean_forks')
def test_every_variant_is_measured_and_both_models_compute_the_same() -> None:
    metrics = benchmark_model(SIZES, rounds=2, num_threads=1)
    assert metrics.difference < 1e-5
    assert {name: len(times) for name, times in metrics.evaluation_s.items()} == dict(plain=2, ours=2, products=2)
    assert {name: len(times) for name, times in metrics.training_s.items()} == dict(
        plain=2, ours=2, checkpointed=2, products=2)
    assert metrics.peak_bytes.keys() == {'plain', 'ours', 'checkpointed'}
    # at least the weights, of which this tiny encoder has 0.1 million
    assert all(peak > 4e5 for peak in metrics.peak_bytes.values())


def test_table_shows_medians_beside_plain() -> None:
    metrics = ModelMeasurement(dict(plain=[9., 1., 4.], ours=[2.]), dict(plain=[3.], ours=[2.]),
                           dict(plain=4_000_000, ours=1_000_000), 1e-6)
    plain, ours, checkpointed = metrics.table().splitlines()[1:4]
    assert plain.split()[3:] == '4.000 s (1.00x) 3.000 s (1.00x) 4 MB (1.00x)'.split()
    assert ours.split()[1:] == '2.000 s (2.00x) 2.000 s (1.50x) 1 MB (0.25x)'.split()
    assert checkpointed.split()[-3:] == ['-', '-', '-']
    assert metrics.table().splitlines()[-1].endswith('1.0e-06')


def test_encoders_that_the_plain_model_cannot_be_are_refused() -> None:
    with pytest.raises(InputError, match='--arch ViT-B-16: expected a model of open_clip in its quickgelu variant'):
        ModelSizes('ViT-B-16').neck_config()
