"""Processes of their own that begin with all imports: forks of a server that has done nothing else."""
import gc
import os
import runpy
import subprocess
import sys
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import mmengine.config.config

os.environ.setdefault('PYTORCH_NVML_BASED_CUDA_CHECK', '1')  # or a GPU could not be used after a fork
PROCESSES = get_context('forkserver')
PROCESSES.set_forkserver_preload([  # not the modules of the tests: Python 3.11 gives the server no path
    'claip_emo_mm', 'claip_emo_mm.engine', 'claip_emo_mm.apis', 'mmaction.models', 'mmaction.datasets',
    'mmaction.evaluation', 'mmaction.engine', 'mmaction.visualization', 'mmaction.structures', 'open_clip', 'peft',
    'accelerate', 'matplotlib.figure', 'scipy.optimize', 'torchvision',
    'pytest', 'setuptools', 'sklearn.metrics', 'yapf'])


def leave_configs_untidy() -> None:
    """Let MMEngine write configs in one line: yapf takes most of the time of a training of milliseconds."""
    mmengine.config.config.FormatCode = lambda text, **_: (text, True)


def run_script(command: Sequence[str], folder: str, output: str, errors: str | None = None,
               variables: Mapping[str, str] | None = None) -> None:
    """Run `python *command` in the process of this call, as its `__main__`.

    Args:
        folder: current folder.
        output, errors: files that stdout and stderr are appended to; without the latter, both go to the first.
        variables: all environment variables; None for those with which the server was started.
    """
    for target, path in ((1, output), (2, errors or output)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT), target)
    os.chdir(folder)
    if variables is not None:
        os.environ.clear()
        os.environ.update(variables)
    sys.argv = list(command)
    leave_configs_untidy()
    gc.freeze()  # MMEngine collects garbage for every data set
    runpy.run_path(command[0], run_name='__main__')


def run_forks(*commands: Sequence[str | Path], cwd: Path, variables: Sequence[Mapping[str, str]] | None = None,
              ) -> list[subprocess.CompletedProcess[str]]:
    """Run scripts at the same time, and wait for them; `variables` are added to the environment of each."""
    with TemporaryDirectory() as folder:
        started = []
        for number, command in enumerate(commands):
            files = [f'{folder}/{name}{number}' for name in ('output', 'errors')]
            environment = {**os.environ, **(variables[number] if variables else {})}
            started.append(PROCESSES.Process(target=run_script, args=(
                list(map(str, command)), str(cwd), *files, environment)))
            started[-1].start()
        for process in started:
            process.join(300)
            process.kill()
            process.join()
        return [subprocess.CompletedProcess(
            command, process.exitcode, *(Path(f'{folder}/{name}{number}').read_text() for name in ('output', 'errors')))
            for number, (command, process) in enumerate(zip(commands, started, strict=True))]
