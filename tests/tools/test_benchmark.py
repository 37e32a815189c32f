"""tools/benchmark.py as a user runs it."""
import runpy
import sys
from pathlib import Path

import pytest
import torch

from claip_emo_mm.benchmark import DataFigures, ModelFigures, ModelSizes

TOOL = str(Path(__file__).parents[2] / 'tools' / 'benchmark.py')


def benchmark(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    monkeypatch.setattr(sys, 'argv', [TOOL, *arguments])
    with pytest.raises(SystemExit) as exit_:
        runpy.run_path(TOOL, run_name='__main__')
    return exit_.value.code


def test_model_prints_the_table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    def measure(sizes: ModelSizes, rounds: int, device: str, num_threads: int, memory: bool) -> ModelFigures:
        assert (sizes, rounds, device, num_threads, memory) == (
            ModelSizes('ViT-L-14-quickgelu', 'HTSAT-tiny-fusion', 3, 8), 1, 'cpu', 1, False)
        return ModelFigures(dict(plain=[2.], ours=[1.]), dict(plain=[3.], ours=[1.]))

    monkeypatch.setattr('claip_emo_mm.benchmark.benchmark_model', measure)
    assert not benchmark(monkeypatch, 'model', '--arch', 'ViT-L-14-quickgelu', '--clips', '3', '--frames', '8',
                         '--rounds', '1', '--threads', '1', '--no-memory')
    said = capsys.readouterr().out
    assert said.startswith('ViT-L-14-quickgelu and HTSAT-tiny-fusion, 3 clips x 8 frames, cpu')
    assert '1.000 s  (2.00x)' in said and '1.000 s  (3.00x)' in said


@pytest.mark.parametrize(('arguments', 'code', 'message'), [
    (['--arch', 'RN50', '--no-memory'], 1, '--arch RN50: expected a model of open_clip in its quickgelu form'),
    (['--rounds', '0'], 2, '0: expected 1 or more')])
def test_bad_arguments(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, arguments: list[str], code: int,
                       message: str) -> None:
    assert benchmark(monkeypatch, 'model', *arguments) == code
    assert message in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason='there is a GPU')
def test_a_missing_gpu_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    assert benchmark(monkeypatch, 'model', '--device', 'cuda') == 1
    assert 'PyTorch finds no GPU here' in capsys.readouterr().err


def some_figures(num_clips: int) -> DataFigures:
    return DataFigures(plain_s=dict(train=[2.], test=[6.]), ours_s=dict(train=[1.], test=[1.]), num_clips=num_clips,
                       distinct_frames=dict(train=1., test=1.))


def test_data_of_a_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    def measure(clips: list[dict[str, str]], rounds: int) -> DataFigures:
        assert clips == [dict(frame_dir=str(tmp_path / 'a'), audio_path=str(tmp_path / 'a.wav'))] and rounds == 2
        return some_figures(len(clips))

    (tmp_path / 'test.csv').write_text('frames,audio,label\na,a.wav,sad\nb,b.wav,fear\n')
    monkeypatch.setattr('claip_emo_mm.benchmark.benchmark_data', measure)
    assert not benchmark(monkeypatch, 'data', str(tmp_path / 'test.csv'), '--clips', '1', '--rounds', '2')
    said = capsys.readouterr().out
    assert said.startswith('test.csv, 1 clips, 1 process, 1 thread, median of 2\n')
    assert '(2.00x)' in said and '(6.00x)' in said


def test_data_of_drawn_clips(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    def measure(clips: list[dict[str, str]], rounds: int) -> DataFigures:
        assert len(clips) == 2
        for clip in clips:
            assert len(list(Path(clip['frame_dir']).glob('*.jpg'))) >= 40 and Path(clip['audio_path']).is_file()
        return some_figures(len(clips))

    monkeypatch.setattr('claip_emo_mm.benchmark.benchmark_data', measure)
    assert not benchmark(monkeypatch, 'data', '--clips', '2')
    assert capsys.readouterr().out.startswith('test.csv, 2 clips')


def test_data_needs_frames_and_sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                     capsys: pytest.CaptureFixture) -> None:
    (tmp_path / 'list.csv').write_text('video,label\na.mp4,sad\n')
    assert benchmark(monkeypatch, 'data', str(tmp_path / 'list.csv')) == 1
    assert 'list.csv:2: no frames or no audio' in capsys.readouterr().err
