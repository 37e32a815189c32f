"""tools/cross_validate.py: the folds of a small model, its tools as forks, which saves their imports."""
import csv
import fcntl
import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import numpy as np
import pytest
from clean_forks import PROCESSES, run_script
from folded_components import folded_config
from sklearn import metrics
from tool_runs import ROOT, call_tool

from claip_emo_mm.evaluation import read_clip_scores


class ForkedTool:
    """What tool_process needs of subprocess.Popen; its command is one of ours."""

    started: list[list[str]] = []

    def __init__(self, command: Sequence[str], stdout: IO[str], **_: Any) -> None:
        self.started.append(list(command))
        self.process = PROCESSES.Process(target=run_script, args=(command[1:], os.getcwd(), stdout.name),
                                         daemon=True)
        self.process.start()
        self.pid = self.process.pid

    @property
    def returncode(self) -> int | None:
        return self.process.exitcode

    def poll(self) -> int | None:
        return self.process.exitcode


@pytest.fixture(autouse=True)
def forked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that were started."""
    monkeypatch.setattr(ForkedTool, 'started', [])
    monkeypatch.setattr('claip_emo_mm.engine.cross_validation.subprocess_runner.subprocess',
                        SimpleNamespace(Popen=ForkedTool, STDOUT=subprocess.STDOUT, DEVNULL=subprocess.DEVNULL))
    monkeypatch.setattr('claip_emo_mm.engine.cross_validation.subprocess_runner._POLL_S', .02)
    return ForkedTool.started


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / 'folded.py'
    path.write_text('\n'.join(f'{key} = {value!r}' for key, value in folded_config().items()))
    return path


def names_of(started: list[list[str]]) -> list[str]:
    return [Path(command[1]).name for command in started]


def test_a_stopped_run_comes_to_the_same(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                         capsys: pytest.CaptureFixture, forked: list[list[str]]) -> None:
    assert call_tool(monkeypatch, 'cross_validate.py', config, '--folds', '1-3', '--work-dir', 'whole') == 0
    said = capsys.readouterr()
    whole = tmp_path / 'whole'
    assert said.out.startswith((whole / 'results.txt').read_text())
    assert 'fold 3: train Epoch(train)' in said.err or 'fold 3: test' in said.err
    results = json.loads((whole / 'results.json').read_text())
    check_metrics(whole, results)
    (tmp_path / 'die').touch()
    arguments = [config, '--folds', '1-3', '--work-dir', 'broken']
    assert call_tool(monkeypatch, 'cross_validate.py', *arguments) == 1  # fold 3 is done all the same
    broken = json.loads((tmp_path / 'broken/results.json').read_text())
    assert list(broken['failed']) == ['2'] and list(broken['protocols']['clean']['folds']) == ['1', '3']
    assert 'fold 2 failed: ' in capsys.readouterr().out
    (tmp_path / 'die').unlink()
    forked.clear()
    assert call_tool(monkeypatch, 'cross_validate.py', *arguments) == 0
    assert names_of(forked)[0] == 'train.py' and {'fold=2'} == {command[-1] for command in forked}
    for name in ('results.json', 'results.txt', 'results.md', 'results.csv'):
        assert (tmp_path / 'broken' / name).read_bytes() == (whole / name).read_bytes()
    assert 'Epoch(train) [1]' in (output := (tmp_path / 'broken/fold2/output.txt').read_text())
    assert output.count('Epoch(train) [2][4/4]') == 1  # resumed, not begun anew
    forked.clear()
    assert call_tool(monkeypatch, 'cross_validate.py', *arguments) == 0
    assert not forked  # nothing is left to be done


def check_metrics(whole: Path, results: dict[str, Any]) -> None:
    """Compute the metrics anew from the scores of the clips."""
    for protocol, epoch in (('paper', None), ('clean', 4)):
        found, war, labels, taken = results['protocols'][protocol], [], [], []
        for fold in '123':
            entry = found['folds'][fold]
            assert entry['epoch'] == (epoch or entry['epoch']) and entry['seed'] == 0 and entry['protocol'] == protocol
            clips = read_clip_scores(whole / f'fold{fold}/test_epoch_{entry["epoch"]}/test_scores.csv')
            assert (whole / f'fold{fold}' / entry['checkpoint']).is_file()
            assert entry['clips_tested'] == len(clips.labels) and len(set(clips.names)) == len(clips.names)
            war.append(100 * metrics.accuracy_score(clips.labels, clips.scores.argmax(1)))
            assert entry['metrics']['WAR'] == pytest.approx(war[-1])
            labels += clips.labels.tolist()
            taken += clips.scores.argmax(1).tolist()
        assert len(labels) == 21
        assert found['mean']['WAR'] == pytest.approx(np.mean(war))
        assert found['std']['WAR'] == pytest.approx(np.std(war, ddof=1))
        assert found['pooled']['metrics']['UAR'] == pytest.approx(100 * metrics.balanced_accuracy_score(labels, taken))
        assert found['pooled']['confusion'] == metrics.confusion_matrix(labels, taken).tolist()
        assert (whole / f'confusion_{protocol}.png').stat().st_size > 1000
    with (whole / 'results.csv').open() as file:
        rows = {tuple(row[:2]): row[2:] for row in csv.reader(file)}
    assert rows['WAR', 'clean'][3] == f'{results["protocols"]["clean"]["mean"]["WAR"]:.2f}'


def test_a_part_held_out_of_training(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                     capsys: pytest.CaptureFixture) -> None:
    arguments = [config, '--folds', '1', '--work-dir', 'held', '--val-ratio', '.25', '--val-seed', '3']
    assert call_tool(monkeypatch, 'cross_validate.py', *arguments) == 0
    folder = tmp_path / 'held'
    results = json.loads((folder / 'results.json').read_text())['protocols']
    assert 'the best epoch by the WAR on 25 % of the training clips' in results['clean']['chosen']
    assert 'but trained without 25 %' in results['paper']['chosen']
    scalars = [json.loads(line) for line in next(folder.glob('fold1/*/vis_data/scalars.json')).read_text().splitlines()]
    for protocol, key in (('paper', 'WAR'), ('clean', 'val/WAR')):
        fold = results[protocol]['folds']['1']
        validated = [line[key] for line in scalars if key in line]
        assert fold['epoch'] == 1 + validated.index(max(validated))
        assert fold['checkpoint'] == f'best_{key.replace("/", "_")}_epoch_{fold["epoch"]}.pth'
        assert fold['clips_tested'] == 9
    better = [epoch for epoch in range(1, 4) if validated[epoch:] and validated[epoch] >= max(validated[:epoch]) + .1]
    assert len(validated) == min(4, len(better) + 2)  # one epoch that is no better on the held-out split is the last


def test_other_settings_are_refused(config: Path, monkeypatch: pytest.MonkeyPatch,
                                    capsys: pytest.CaptureFixture, forked: list[list[str]], tmp_path: Path) -> None:
    (tmp_path / 'die').touch()  # fold 2 need not be trained to the end
    arguments = [config, '--folds', '2', '--work-dir', 'out']
    assert call_tool(monkeypatch, 'cross_validate.py', *arguments) == 1
    assert 'no fold could be finished:\n  fold 2: ' in capsys.readouterr().err
    kept = (tmp_path / 'out/config.py').read_bytes()
    forked.clear()
    for changed in (['--cfg-options', 'train_cfg.max_epochs=9'], ['--protocols', 'clean']):
        assert call_tool(monkeypatch, 'cross_validate.py', *arguments, *changed) == 1
        message = capsys.readouterr().err
        assert 'out/config.py: the folds in this folder belong to another config' in message
        assert '--work-dir' in message
    assert 'max_epochs=9' not in message and not forked
    assert (tmp_path / 'out/config.py').read_bytes() == kept
    with (tmp_path / 'out/lock').open('a') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert call_tool(monkeypatch, 'cross_validate.py', *arguments) == 1
    assert 'out: another cross-validation, or a training that it left behind' in capsys.readouterr().err


def test_processes(config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    seen = []

    def run_tool(command: list[str], *_: Any) -> None:
        seen.append(command)

    monkeypatch.setattr('claip_emo_mm.engine.cross_validation.run.run_tool', run_tool)
    assert call_tool(monkeypatch, 'cross_validate.py', config, '--folds', '2', '--gpus', '4') == 1
    assert 'the training left no checkpoint' in capsys.readouterr().err
    folder = 'work_dirs/folded_cross_validation'
    assert seen == [['bash', str(ROOT / 'tools/dist_train.sh'), f'{folder}/config.py', '4', '--work-dir',
                     f'{folder}/fold2', '--resume', '--cfg-options', 'fold=2']]


@pytest.mark.parametrize(('args', 'expected'), [
    (['--cfg-options', 'fold=2'], '--folds says which folds'),
    (['--cfg-options', 'val_evaluator.type=AccMetric'], 'val_evaluator has AccMetric; expected EmotionMetric'),
    (['--cfg-options', 'test_evaluator.prefix=x'], 'test_evaluator has EmotionMetric; expected EmotionMetric, without'),
])
def test_mistakes(config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, args: list[str],
                  expected: str, forked: list[list[str]]) -> None:
    assert call_tool(monkeypatch, 'cross_validate.py', config, '--folds', '1', *args) == 1
    assert expected in capsys.readouterr().err
    assert not forked and not Path('work_dirs').exists()


def test_a_config_without_folds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.chdir(tmp_path)
    assert call_tool(monkeypatch, 'cross_validate.py', ROOT / 'configs/claip_emo_tiny_toy.py') == 1
    assert "no data loader" in capsys.readouterr().err
    assert call_tool(monkeypatch, 'cross_validate.py', ROOT / 'configs/claip_emo_tiny_toy_folds.py') == 1
    assert 'data/toy/lists/fold1_train.csv: there is no such annotation list' in capsys.readouterr().err


@pytest.mark.parametrize('args', [['--folds', '0'], ['--folds', 'a'], ['--gpus', '0'], ['--protocols', 'best']])
def test_wrong_arguments(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, args: list[str]) -> None:
    assert call_tool(monkeypatch, 'cross_validate.py', 'a.py', *args) == 2
    assert 'usage: ' in capsys.readouterr().err


def test_another_training_in_the_folder_of_a_fold(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture,
                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / 'work' / 'fold2').mkdir(parents=True)
    (tmp_path / 'work' / 'fold2' / 'last_checkpoint').write_text('epoch_1.pth')
    assert call_tool(monkeypatch, 'cross_validate.py', config, '--folds', '1-2', '--work-dir', 'work') == 1
    assert 'work/fold2: holds checkpoints of another training, which would be resumed' in capsys.readouterr().err
    assert not (tmp_path / 'work' / 'config.py').exists()
