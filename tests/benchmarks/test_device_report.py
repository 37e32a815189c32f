"""The report on a device, whole, on the CPU with tiny encoders."""
import re
from pathlib import Path

import pytest

from benchmarks.data import DataMeasurement
from benchmarks.device_report import report_device, settings_of
from benchmarks.gpu import Setting
from benchmarks.sizes import ModelSizes
from claip_emo_mm.engine.config import load_config

SIZES = ModelSizes(dict(image_size=32, patch_size=16, width=64, layers=1, head_width=32, quick_gelu=True),
                   dict(embed_dims=8, depths=[1, 1], num_heads=[1, 2], spec_size=64, mel_bins=16, fusion=True,
                        num_classes=3), num_clips=2, num_frames=16)


def test_report_of_a_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('benchmarks.device_report.make_frame_tree', lambda toy, out: None)
    monkeypatch.setattr('benchmarks.device_report.benchmark_data', lambda root, pipelines, rounds: DataMeasurement(
        {split: dict(plain=[1.], ours=[.5]) for split in pipelines}))
    lines: list[str] = []
    report_device(load_config('claip_emo_tiny_toy.py'), tmp_path, 'cpu', True, lines.append, 1, dict(tiny=SIZES),
                  [Setting('ours', 'training', 'bf16')], rounds=1, video_s=3.)
    text = '\n'.join(lines)
    assert lines[0].startswith('CPU, 1 threads, torch ') and 'batch of 8 clips x 16 frames' in lines[1]
    assert lines[3].split()[:5] == 'tiny training ours bf16 eager'.split()
    feeding = r'tiny takes ([\d.]+) clips/s in bf16 training: (\d+) workers of 0.5 clips/s'
    taken, workers = re.search(feeding, text).groups()
    assert int(workers) == pytest.approx(float(taken) / .5, abs=1.1) and 'clips a second, one worker' in text
    assert 'inference of a video of 3 s' in text and 'times real time' in text
    assert 'memory: ' not in text.partition('clips a second')[2]  # copies and kernels are a GPU's


def test_quick_rows_are_among_the_full_ones() -> None:
    quick, full = settings_of(True), settings_of(False)
    assert set(quick) < set(full) and len(full) == len(set(full))
    assert {setting.precision for setting in full} == {'fp32', 'tf32', 'fp16', 'bf16'}
    assert {setting.step for setting in quick} == {'evaluation', 'training', 'test'}
    assert [setting.compiled for setting in full] == sorted(setting.compiled for setting in full)
