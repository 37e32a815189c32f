"""Two processes with half the batch each train and test as one does."""
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tool_runs import ROOT

SCRIPT = Path(__file__).with_name('equal_training.py')


def _result(folder: Path, *arguments: str, processes: int) -> dict:
    start = ['-m', 'torch.distributed.run', '--standalone', f'--nproc_per_node={processes}'] if processes > 1 else []
    done = subprocess.run(
        [sys.executable, *start, SCRIPT, folder, *arguments], capture_output=True, text=True, timeout=300,
        env={**os.environ, 'CUDA_VISIBLE_DEVICES': '', 'OMP_NUM_THREADS': '1',
             'PYTHONPATH': os.pathsep.join([str(ROOT), str(SCRIPT.parent)])})
    assert done.returncode == 0, done.stderr
    return json.loads((folder / 'result.json').read_text())


@pytest.fixture(scope='module')
def single(tmp_path_factory: pytest.TempPathFactory) -> dict:
    return _result(tmp_path_factory.mktemp('single'), 'none', processes=1)


def test_two_processes_equal_one(single: dict, tmp_path: Path) -> None:
    double = _result(tmp_path / 'double', 'pytorch', processes=2)
    assert len(single['losses']) == 20 and single['losses'][0] - single['losses'][-1] > 0.1
    assert double['losses'] == pytest.approx(single['losses'], abs=1e-4)
    assert double['metrics'] == pytest.approx(single['metrics'], abs=1e-4)  # 13 clips on two processes; percent
    assert double['without_gradient'] == []  # find_unused_parameters is not needed
    assert set(double['norm']) == {f'audio_backbone.tower.bn0.running_{name}' for name in ('mean', 'var')}
    for name, values in double['norm'].items():
        assert values == pytest.approx(single['norm'][name], abs=1e-5)


def test_batch_norm_of_each_process_alone_differs(single: dict, tmp_path: Path) -> None:
    double = _result(tmp_path / 'alone', 'pytorch', 'own', processes=2)
    assert double['losses'] != pytest.approx(single['losses'], abs=1e-4)  # why sync_bn is in the config
