"""How command lines end: exit codes and what they say."""
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import NoReturn

import pytest
from mmaction.registry import MODELS
from torch.utils.data import DataLoader, Dataset

from claip_emo_cli import exit_on_interrupt
from claip_emo_mm.engine.cli import original_message, run
from claip_emo_mm.errors import InputError


class _Broken(Dataset):
    """Two samples that cannot be read."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> NoReturn:
        raise InputError(f'clip {index}.mp4: no frames.\nMake it again.') from OSError('cut off')


def _raise(error: BaseException) -> Callable[[], None]:
    def main() -> None:
        raise error

    return main


@pytest.mark.parametrize('returned, code', [(None, None), (0, 0), (3, 3)])
def test_exit_code_of_main(returned: int | None, code: int | None) -> None:
    with pytest.raises(SystemExit) as exit_:
        run(lambda: returned)
    assert exit_.value.code == code


def test_input_error(capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as exit_:
        run(_raise(InputError('a.mp4: empty. Make it again.')))
    assert exit_.value.code == 1
    assert capsys.readouterr() == ('', 'error: a.mp4: empty. Make it again.\n')


def test_a_name_in_another_encoding_is_printed() -> None:
    code = r"import claip_emo_mm.engine.cli as c; c.run(lambda: print('caf\udce9.mp4'))"
    result = subprocess.run([sys.executable, '-c', code], capture_output=True, env=os.environ | {'PYTHONUTF8': '1'})
    assert result.stdout.splitlines()[-1] == rb'caf\udce9.mp4' and result.returncode == 0, result.stderr


def test_interrupt(capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as exit_:
        run(_raise(KeyboardInterrupt()))
    assert exit_.value.code == 130
    assert capsys.readouterr().err == 'interrupted\n'


def test_config_error_of_mmaction(capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as exit_:
        run(lambda: MODELS.build(dict(type='NoSuchModel')))
    assert exit_.value.code == 1
    assert capsys.readouterr().err.startswith("error: type='NoSuchModel' is registered nowhere")


def test_defect_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError, match='by our own fault'):
        run(_raise(ZeroDivisionError('by our own fault')))


def test_error_in_a_worker_process() -> None:
    with pytest.raises(InputError) as caught:
        next(iter(DataLoader(_Broken(), num_workers=1)))
    assert str(caught.value).startswith('Caught InputError in DataLoader worker process 0')
    assert original_message(caught.value) == 'clip 0.mp4: no frames.\nMake it again.'


@pytest.mark.usefixtures('ctrl_c_interrupts')
def test_ctrl_c_is_an_exception_again_in_the_main_function(capsys: pytest.CaptureFixture) -> None:
    def main() -> None:
        os.kill(os.getpid(), signal.SIGINT)

    exit_on_interrupt()
    with pytest.raises(SystemExit) as exit_:
        run(main)
    assert exit_.value.code == 130 and capsys.readouterr().err == 'interrupted\n'
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
