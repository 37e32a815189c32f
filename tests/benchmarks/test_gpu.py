"""The benchmark of a device, on the CPU with tiny encoders: all but the kernels is what runs on a GPU."""
from dataclasses import replace

import pytest
import torch

from benchmarks import gpu
from benchmarks.devices import attention_kernels, count_flops, default_device, dense_peak, precision_of, time_calls
from benchmarks.gpu import DeviceRow, Setting, benchmark_device
from benchmarks.plain_model import PlainModel
from benchmarks.sizes import ModelSizes, TrainingStep

SIZES = ModelSizes(dict(image_size=32, patch_size=16, width=64, layers=1, head_width=32, mlp_ratio=3., quick_gelu=True),
                   dict(embed_dims=8, depths=[1, 1], num_heads=[1, 2], spec_size=64, mel_bins=16, fusion=True,
                        num_classes=3), num_clips=2, num_frames=16)


@pytest.fixture(scope='module')
def rows() -> list[DeviceRow]:
    settings = [Setting(model, step, 'bf16') for model in ('ours', 'plain')
                for step in ('evaluation', 'training', 'test')]
    settings += [Setting('ours', 'training', 'fp16'), Setting('ours', 'evaluation', 'tf32')]
    return list(benchmark_device(dict(tiny=SIZES), 'cpu', settings, rounds=2, warm_up=0, num_threads=1))


def test_every_setting_is_measured(rows: list[DeviceRow]) -> None:
    assert len(rows) == 8
    for row in rows:
        assert len(row.seconds) == 2 and min(row.seconds) > 0 and row.clips == 2 and row.flops > 1e6
        assert row.peak is None and row.peak_bytes is None and not row.kernels  # nothing is claimed of a CPU
        assert 'flash (CPU) x' in row.attention
    images = {(row.setting.model, row.setting.step): row.images for row in rows}
    assert images['ours', 'evaluation'] == images['plain', 'training'] == 2 * 16
    assert images['plain', 'test'] == 2 * 4 * 16 > images['ours', 'test']
    assert torch.get_float32_matmul_precision() == 'highest' and not torch.is_autocast_enabled('cpu')


def test_what_cannot_be_measured_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    setting, compiled = Setting('ours', 'evaluation', 'fp32'), Setting('ours', 'evaluation', 'bf16', True, 60.)
    assert [row.note for row in benchmark_device(dict(tiny=SIZES), 'cpu', [setting, compiled], limit_s=0)] == [
        'no time left'] * 2

    def out_of_memory(*args: object) -> None:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(gpu, 'time_calls', out_of_memory)
    late, = benchmark_device(dict(tiny=SIZES), 'cpu', [setting])
    assert late.line().split() == 'tiny evaluation ours fp32 eager out of memory'.split()


def test_row_shows_the_ratio_of_the_peak() -> None:
    row = DeviceRow('ViT-B/16', Setting('ours', 'training', 'bf16', True), [9., .5, .25], 128, 8, 10 ** 14, 400.,
                    2 * 10 ** 9, 'flash x12', note='first call 40 s')
    assert row.line().split() == ('ViT-B/16 training ours bf16 compiled 500.0 16.0 256 200.0 50.0 % 2,000 MB flash x12 '
                                  '(first call 40 s)').split()
    assert len(DeviceRow.HEADER) - len('  attention') == row.line().index('  flash')


@pytest.mark.parametrize(('name', 'precision', 'peak'), [
    ('NVIDIA H200', 'bf16', 989.4), ('NVIDIA H100 80GB HBM3', 'tf32', 494.7), ('NVIDIA A100-SXM4-80GB', 'fp16', 312.),
    ('NVIDIA A100-SXM4-80GB', 'fp32', 19.5), ('NVIDIA A100-SXM4-40GB MIG 1g.5gb', 'bf16', None), ('CPU', 'fp32', None)])
def test_peaks_are_of_known_cards(name: str, precision: str, peak: float | None) -> None:
    assert dense_peak(name, precision) == peak


def test_products_are_counted_and_attention_is_named() -> None:
    x, q = torch.randn(10, 20), torch.randn(1, 2, 16, 32)
    assert count_flops(lambda: x @ torch.randn(20, 30)) == 2 * 10 * 20 * 30
    assert attention_kernels(lambda: torch.nn.functional.scaled_dot_product_attention(q, q, q), 'cpu') == (
        'flash (CPU) x1', [])
    assert attention_kernels(lambda: x + x, 'cpu') == ('none', [])
    calls = []
    assert len(time_calls(lambda: calls.append(1), 'cpu', rounds=3, warm_up=2)) == 3 and len(calls) == 5
    assert default_device() == ('cuda:0' if torch.cuda.is_available() else 'cpu')


def test_precision_is_that_of_the_products() -> None:
    x = torch.randn(4, 4)
    for precision, dtype in (('fp32', torch.float32), ('tf32', torch.float32), ('bf16', torch.bfloat16)):
        with precision_of(precision, 'cpu'):
            assert (x @ x).dtype == dtype
            assert torch.backends.cudnn.allow_tf32 == (precision == 'tf32')


def test_plain_model_with_transformers_audio_trains() -> None:
    model = PlainModel(SIZES, audio='transformers')
    model.copy_weights(SIZES.build_ours())
    TrainingStep(model, SIZES.sample_batch(torch.device('cpu')))()
    adapted = [name for name, module in model.audio.named_modules() if hasattr(module, 'lora_A')]
    assert len(adapted) == 2 * 3  # blocks, each with the output of its attention and an MLP


def test_a_compilation_takes_as_long_as_the_last_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measured for one block, and 4 times of it expected for 4, which is more than is left."""
    now = [0.]

    class Measured:
        def __init__(self, *args: object) -> None:
            pass

        def measure(self, setting: Setting) -> DeviceRow:
            now[0] += 30.
            return DeviceRow('', setting, [1.], clips=1)

    monkeypatch.setattr(gpu, 'DeviceBenchmark', Measured)
    monkeypatch.setattr(gpu, 'monotonic', lambda: now[0])
    deep = replace(SIZES, visual_arch=dict(SIZES.visual_arch, layers=4))
    setting = Setting('ours', 'training', 'bf16', True, 120.)  # 10 s a block
    rows = list(benchmark_device(dict(small=SIZES, deep=deep), 'cpu', [setting], limit_s=149., num_threads=1))
    assert [row.note for row in rows] == ['', 'no time left']
    now[0] = 0.
    rows = list(benchmark_device(dict(small=SIZES, deep=deep), 'cpu', [setting], limit_s=151., num_threads=1))
    assert [row.note for row in rows] == ['', '']
