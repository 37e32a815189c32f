"""tools/benchmark.py as a user runs it."""
import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from benchmarks.clips import sample_lengths
from benchmarks.data import DataMeasurement
from benchmarks.evaluation import EvaluationMeasurement
from benchmarks.inference import InferenceMeasurement
from benchmarks.model import ModelMeasurement
from benchmarks.sizes import ModelSizes
from claip_emo_mm.datasets.annotations import ListedClip, read_annotation_list

TOOL = str(Path(__file__).parents[2] / 'tools' / 'benchmark.py')


def benchmark(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    monkeypatch.setattr(sys, 'argv', [TOOL, *arguments])
    threads = torch.get_num_threads()  # which the tool changes
    with pytest.raises(SystemExit) as exit_:
        runpy.run_path(TOOL, run_name='__main__')
    torch.set_num_threads(threads)
    return exit_.value.code


def test_model_prints_the_table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    def measure(sizes: ModelSizes, rounds: int, device: str, num_threads: int, memory: bool) -> ModelMeasurement:
        assert (sizes, rounds, device, num_threads, memory) == (
            ModelSizes('ViT-L-14-quickgelu', 'HTSAT-tiny-fusion', 3, 8), 1, 'cpu', 1, False)
        return ModelMeasurement(dict(plain=[2.], ours=[1.]), dict(plain=[3.], ours=[1.]))

    monkeypatch.setattr('benchmarks.model.benchmark_model', measure)
    assert not benchmark(monkeypatch, 'model', '--arch', 'ViT-L-14-quickgelu', '--clips', '3', '--frames', '8',
                         '--rounds', '1', '--threads', '1', '--no-memory')
    said = capsys.readouterr().out
    assert said.startswith('ViT-L-14-quickgelu and HTSAT-tiny-fusion, 3 clips x 8 frames, cpu')
    assert '1.000 s  (2.00x)' in said and '1.000 s  (3.00x)' in said


@pytest.mark.parametrize(('arguments', 'code', 'message'), [
    (['--arch', 'RN50', '--no-memory'], 1, '--arch RN50: expected a model of open_clip in its quickgelu variant'),
    (['--rounds', '0'], 2, '0: expected 1 or more')])
def test_bad_arguments(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, arguments: list[str], code: int,
                       message: str) -> None:
    assert benchmark(monkeypatch, 'model', *arguments) == code
    assert message in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason='there is a GPU')
def test_a_missing_gpu_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    assert benchmark(monkeypatch, 'model', '--device', 'cuda') == 1
    assert 'PyTorch finds no GPU here' in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason='there is a GPU')
def test_a_cpu_is_not_benchmarked_as_a_gpu(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    assert benchmark(monkeypatch, 'gpu', '--quick') == 1
    assert 'gpu: PyTorch finds no GPU here, and a CPU would take hours.' in capsys.readouterr().err


def test_gpu_writes_each_row_as_it_comes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    def report(cfg: Config, folder: Path, device: str, quick: bool, write: Callable[[str], None], threads: int) -> None:
        assert cfg.model.visual_backbone.arch == 'ViT-B-16-quickgelu' and not list(folder.iterdir())
        assert (device, quick, threads) == ('cuda:1', True, 2)
        write('a row')
        assert capsys.readouterr().out == 'a row\n'

    monkeypatch.setattr('benchmarks.device_report.report_device', report)
    monkeypatch.setattr('torch.cuda.is_available', lambda: True)
    config = Path(TOOL).parents[1] / 'configs' / 'claip_emo_vitb16_dfew.py'
    assert not benchmark(monkeypatch, 'gpu', '--quick', '--device', 'cuda:1', '--config', str(config))


def test_data_of_drawn_clips(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    measured = []

    def measure(root: Path, pipelines: dict[str, list[dict]], rounds: int, storage: str) -> DataMeasurement:
        measured.append(storage)
        assert rounds == 2 and [transform['type'] for transform in pipelines['train']].count('RandAugmentFrames') == 1
        assert len(read_annotation_list(root / 'train.csv')) == len(read_annotation_list(root / 'test.csv')) == 7
        return DataMeasurement(dict(train=dict(plain=[1.], ours=[2.]), test=dict(plain=[1.], ours=[6.])))

    monkeypatch.setattr('benchmarks.data.benchmark_data', measure)
    monkeypatch.setattr('benchmarks.clips.encode_videos', lambda tree: measured.append(tree.name))
    config = Path(TOOL).parents[1] / 'configs' / 'claip_emo_vitl14_dfew.py'
    assert not benchmark(monkeypatch, 'data', '--config', str(config), '--clips', '2', '--rounds', '2')
    said = capsys.readouterr().out
    assert '(2.00x)' in said and '(6.00x)' in said
    assert measured == ['tree', 'frames', 'videos'] and f'{config}, videos, median of 2 rounds' in said


def test_eval_of_clips_as_long_as_dfews(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    def measure(root: Path, clips: list[ListedClip], pipeline: list[dict], sizes: ModelSizes, *options: object,
                ) -> EvaluationMeasurement:
        assert [len(list((root / clip.frames).iterdir())) for clip in clips] == sample_lengths(3, 5).tolist()
        assert pipeline[1]['num_clips'] == 2 and sizes == ModelSizes('ViT-B-32-quickgelu')
        assert options == (2, 1, 'cpu', 1, False)
        return EvaluationMeasurement({who: dict(loading=[seconds], model=[seconds]) for who, seconds in (
            ('plain', 6.), ('ours', 1.))})

    monkeypatch.setattr('benchmarks.evaluation.benchmark_evaluation', measure)
    config = Path(TOOL).parents[1] / 'configs' / 'claip_emo_vitl14_dfew.py'
    assert not benchmark(monkeypatch, 'eval', '--config', str(config), '--arch', 'ViT-B-32-quickgelu', '--clips', '3',
                         '--seed', '5', '--batch-size', '2', '--rounds', '1', '--threads', '1', '--no-memory')
    assert '12.000       2.000  (6.00x)' in capsys.readouterr().out


def test_infer_builds_a_model_of_a_config(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    def measure(video: str, checkpoint: str, *options: object, plain: bool, fast: bool) -> InferenceMeasurement:
        metadata = torch.load(checkpoint, weights_only=True)['meta']
        assert len(metadata['claip_emo_mm']['classes']) == 7 and Path(checkpoint).name == 'random.pth'
        assert (video, *options, plain, fast) == ('talk.mp4', 'none', 3, 'cpu', 1, True, False)
        return InferenceMeasurement(60., dict(plain=dict(faces=[4., 6.], model=[10., 20.]),
                                          ours=dict(faces=[2.], model=[3.])))

    monkeypatch.setattr('benchmarks.inference.benchmark_inference', measure)
    config = Path(TOOL).parents[1] / 'configs' / 'claip_emo_tiny_toy.py'
    assert not benchmark(monkeypatch, 'infer', 'talk.mp4', '--config', str(config), '--face', 'none', '--rounds', '3',
                         '--threads', '1')
    said = capsys.readouterr().out
    assert '20.00      5.00  (4.00x)' in said and '3.00     12.00' in said  # 60 s in 20 and in 5
    assert benchmark(monkeypatch, 'infer', 'talk.mp4') == 2
