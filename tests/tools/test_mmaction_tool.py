"""MMAction2's own tools on our config, checkpoint, dump and log."""
import csv
import os
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from crafted_pickles import PickledCall
from PIL import Image
from tool_runs import TrainedToy, call_tool, run_tool

from claip_emo_mm.compat.mmaction_tools import find_tool
from claip_emo_mm.compat.mmaction_tools import run_tool as run_mmaction_tool
from claip_emo_mm.errors import InputError

Call = Callable[..., str]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> Call:
    """Runs a tool in this process and returns what it printed."""
    def call(name: str, *arguments: str | Path) -> str:
        monkeypatch.setattr(sys, 'argv', sys.argv)  # the tool sets it
        capsys.readouterr()
        run_mmaction_tool(name, list(map(str, arguments)))
        return capsys.readouterr().out

    return call


def rights(trained: TrainedToy) -> np.ndarray:
    """Which of the 7 test clips are right, from the scores that tools/test.py wrote beside the dump."""
    with (trained.dump.parent / 'test' / 'test_scores.csv').open() as file:
        rows = [[float(value) for value in list(row.values())[2:]] for row in csv.DictReader(file)]
    return np.argmax(rows, axis=1) == np.arange(7)


def test_report_accuracy(trained_toy: TrainedToy, call: Call) -> None:
    printed = call('report_accuracy', '--preds', trained_toy.dump, trained_toy.dump, '--coefficients', '2', '1')
    assert f'Top 1 Accuracy: {rights(trained_toy).mean():.4f}' in printed


def test_eval_metric(trained_toy: TrainedToy, call: Call) -> None:
    assert f"'WAR': {100 * rights(trained_toy).mean():.4f}"[:-1] in call('eval_metric', trained_toy.config,
                                                                        trained_toy.dump)


def test_confusion_matrix_of_a_dump_and_of_a_checkpoint(trained_toy: TrainedToy, tmp_path: Path, call: Call) -> None:
    """The second as a user runs it, in a process where MMAction2 registers its own parts before ours."""
    files = [tmp_path / name for name in ('dump.pkl', 'checkpoint.pkl', 'frame.png')]
    call('confusion_matrix', trained_toy.config, trained_toy.dump, '--out', files[0])
    result = run_tool('mmaction_tool.py', 'confusion_matrix', trained_toy.config, trained_toy.checkpoint, '--out',
                      files[1],
                      '--show-path', files[2], cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    first, second = (pickle.loads(path.read_bytes()) for path in files[:2])
    assert first.diagonal().tolist() == rights(trained_toy).tolist() and torch.equal(first, second)
    assert Image.open(files[2]).size[0] > 300


def test_analyze_logs(trained_toy: TrainedToy, tmp_path: Path, call: Call) -> None:
    call('analyze_logs', 'plot_curve', trained_toy.scalars, '--keys', 'loss', '--out', tmp_path / 'curve.png')
    assert Image.open(tmp_path / 'curve.png').size[0] > 300
    assert 'slowest epoch 1, average time is ' in call('analyze_logs', 'cal_train_time', trained_toy.scalars)


def test_get_flops(trained_toy: TrainedToy, call: Call) -> None:
    printed = call('get_flops', trained_toy.config, '--shape', '8', '3', '64', '64')
    frames = 8 * 4 * 65 * 12 * 128 ** 2  # of the encoder's 4 blocks, but for the last one's unread tokens
    flops = 1e9 * float(printed.split('Flops: ')[1].split('G\n')[0])
    assert .8 * frames < flops < 1.5 * frames  # the adapters, the audio and the neck are in it


def test_vis_scheduler(trained_toy: TrainedToy, tmp_path: Path, call: Call) -> None:
    call('vis_scheduler', trained_toy.config, '--not-show', '--dataset-size', '14', '--save-path',
         tmp_path / 'rates.png', '--cfg-options', f'work_dir={tmp_path / "work"}')
    assert Image.open(tmp_path / 'rates.png').size[0] > 300


def test_publish_model(trained_toy: TrainedToy, tmp_path: Path, call: Call) -> None:
    call('publish_model', trained_toy.checkpoint, tmp_path / 'model.pth')
    published = next(tmp_path.glob('model_*-*.pth'))
    whole, kept = (torch.load(path, weights_only=True)['state_dict'] for path in (trained_toy.checkpoint, published))
    assert whole.keys() == kept.keys()


@pytest.mark.parametrize('mode', ['original', 'transformed', 'pipeline'])
def test_browse_dataset(trained_toy: TrainedToy, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch,
                        mode: str) -> None:
    """Without moviepy, whose last version that MMAction2 takes wants older packages than the others here."""
    seen = []

    class ImageSequenceClip:
        def __init__(self, frames: list[np.ndarray], fps: int) -> None:
            seen.append(np.stack(frames))

        def write_videofile(self, *_: object, **__: object) -> None:
            pass

    editor = ModuleType('moviepy.editor')
    editor.ImageSequenceClip = ImageSequenceClip
    monkeypatch.setitem(sys.modules, 'moviepy', ModuleType('moviepy'))
    monkeypatch.setitem(sys.modules, 'moviepy.editor', editor)
    call('browse_dataset', trained_toy.config, tmp_path, '-n', '2', '-m', mode, '-r', '1')
    assert len(seen) == 2 and all(len(frames) == 8 and frames.std() > 5 for frames in seen)


def test_dumps_run_nothing(trained_toy: TrainedToy, tmp_path: Path, call: Call) -> None:
    (tmp_path / 'evil.pkl').write_bytes(pickle.dumps([PickledCall(os.mkdir, str(tmp_path / 'marker'))]))
    for name, arguments in (
            ('eval_metric', [trained_toy.config]), ('report_accuracy', ['--coefficients', '1', '--preds']),
            ('confusion_matrix', [trained_toy.config])):
        with pytest.raises(InputError, match=r'evil\.pkl: holds posix\.mkdir, .*nothing of the file was loaded'):
            call(name, *arguments, tmp_path / 'evil.pkl')
    assert not (tmp_path / 'marker').exists()
    pickle.loads((tmp_path / 'evil.pkl').read_bytes())  # only to show that it really runs something
    assert (tmp_path / 'marker').exists()


def test_mistakes(call: Call, trained_toy: TrainedToy, monkeypatch: pytest.MonkeyPatch,
                  capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(InputError, match='get_flop: MMAction2 has no such tool. Expected one of: .*get_flops'):
        find_tool('get_flop')
    monkeypatch.setitem(sys.modules, 'seaborn', None)
    with pytest.raises(InputError, match=r"MMAction2's analyze_logs: .*seaborn.*pip install seaborn 'moviepy"):
        call('analyze_logs', 'cal_train_time', trained_toy.scalars)
    assert call_tool(monkeypatch, 'mmaction_tool.py') == 2
    assert 'usage: mmaction_tool.py NAME' in capsys.readouterr().err
