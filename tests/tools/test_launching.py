"""The shell scripts that start several processes: what they start, and what they say about wrong arguments."""
import os
import subprocess
from pathlib import Path

import pytest
from dummy_components import write_dummy_config
from tool_runs import ROOT, fork_tool

MODULES = os.pathsep.join([str(ROOT / 'tests' / 'engine')])


def run_script(name: str, *args: str | Path, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, 'CUDA_VISIBLE_DEVICES': '', 'OMP_NUM_THREADS': '1', 'PYTHONPATH': MODULES, **variables}
    return subprocess.run(['bash', str(ROOT / 'tools' / name), *map(str, args)], cwd=cwd, env=environment, text=True,
                          capture_output=True, timeout=300)


def test_trains_and_tests_with_two_processes(tmp_path: Path) -> None:
    config = write_dummy_config(tmp_path / 'two.py', tmp_path / 'work', "env_cfg = dict(dist_cfg=dict(backend='nccl'))")
    trained = run_script('dist_train.sh', config, 2, '--seed', '3', cwd=tmp_path)
    assert trained.returncode == 0, trained.stderr
    assert trained.stdout.count('asks for the backend nccl') == 1  # rank 0 alone, on the screen
    assert 'the processes use gloo' in trained.stdout and ', 2 processes, each on CPU' in trained.stdout
    checkpoint = tmp_path / 'work' / 'epoch_1.pth'
    alone = fork_tool('test.py', config, checkpoint, '--work-dir', tmp_path / 'test1', cwd=tmp_path)
    tested = run_script('dist_test.sh', config, checkpoint, 2, '--work-dir', tmp_path / 'test2', cwd=tmp_path)
    assert (alone.returncode, tested.returncode) == (0, 0), alone.stderr + tested.stderr
    metrics = [(tmp_path / folder / 'test_metrics.json').read_text().replace('test2', 'test1')
               for folder in ('test1', 'test2')]
    assert metrics[0] == metrics[1]
    assert '"clips": 5' in metrics[0]  # five clips on two processes: the sixth is a copy that does not count


def test_dying_rank_ends_the_job_with_its_error(tmp_path: Path) -> None:
    config = write_dummy_config(tmp_path / 'dying.py', tmp_path / 'work',
                                'train_dataloader["sampler"]["shuffle"] = False')
    result = run_script('dist_train.sh', config, 2, '--cfg-options', 'train_dataloader.dataset.broken=3', cwd=tmp_path)
    assert result.returncode != 0
    assert 'error: clip 3.mp4: no frames.\nMake it again.' in result.stderr


@pytest.mark.parametrize(('script', 'args'), [
    ('dist_train.sh', ['a.py']), ('dist_train.sh', ['a.py', 'two']), ('dist_test.sh', ['a.py', '2', 'b.pth']),
    ('slurm_train.sh', ['gpu', 'name']), ('slurm_test.sh', ['gpu', 'name', 'a.py'])])
def test_wrong_arguments(script: str, args: list[str], tmp_path: Path) -> None:
    result = run_script(script, *args, cwd=tmp_path)
    assert result.returncode == 2 and result.stderr.startswith('usage: ')


@pytest.fixture
def programs(tmp_path: Path) -> str:
    """A PATH on which srun and python write down their arguments, one a line."""
    for name in ('srun', 'python'):
        path = tmp_path / 'bin' / name
        path.parent.mkdir(exist_ok=True)
        path.write_text('#!/bin/sh\nprintf "%s\\n" "$0" "$@"\n')
        path.chmod(0o755)
    return f'{tmp_path / "bin"}{os.pathsep}{os.environ["PATH"]}'


def test_several_machines(programs: str, tmp_path: Path) -> None:
    result = run_script('dist_train.sh', 'a b.py', 4, '--amp', cwd=tmp_path, PATH=programs, NNODES='3', NODE_RANK='2',
                        MASTER_ADDR='node0', PORT='1234')
    assert result.stdout.splitlines()[1:] == [
        '-m', 'torch.distributed.run', '--nnodes=3', '--node_rank=2', '--master_addr=node0', '--master_port=1234',
        '--nproc_per_node=4', str(ROOT / 'tools' / 'train.py'), 'a b.py', '--amp', '--launcher', 'pytorch']


@pytest.mark.parametrize(('script', 'args', 'program'), [
    ('slurm_train.sh', ['a b.py', '--resume'], 'train.py'), ('slurm_test.sh', ['a.py', 'b.pth'], 'test.py')])
def test_queue(script: str, args: list[str], program: str, programs: str, tmp_path: Path) -> None:
    result = run_script(script, 'gpu', 'name', *args, cwd=tmp_path, PATH=programs, GPUS='16', SRUN_ARGS='--time=1 -v')
    lines = result.stdout.splitlines()
    assert Path(lines[0]).name == 'srun'
    assert lines[1:] == [
        '--partition=gpu', '--job-name=name', '--gres=gpu:8', '--ntasks=16', '--ntasks-per-node=8', '--cpus-per-task=5',
        '--kill-on-bad-exit=1', '--time=1', '-v', 'python', '-u', str(ROOT / 'tools' / program), *args, '--launcher',
        'slurm']
