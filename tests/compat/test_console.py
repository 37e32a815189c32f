"""What the tools show on the console, and what only the log file gets."""
import sys
from argparse import ArgumentParser
from io import StringIO
from pathlib import Path

import pytest
from mmengine.fileio import FileClient
from mmengine.logging import MMLogger
from mmengine.runner import checkpoint

from claip_emo_cli.arguments import add_model_arguments
from claip_emo_mm.apis import model_arguments
from claip_emo_mm.compat.console import log_to_stderr, quiet_console
from claip_emo_mm.engine.cli import run

LONG = f'\n{"-" * 60}\nSystem environment:\n    sys.platform: linux'
HIDDEN = (LONG, 'Config:\nmodel = dict()', 'Hooks will be executed in the following order:\nbefore_run:', 'Exp name: a')


@pytest.fixture(autouse=True)
def quiet() -> None:
    quiet_console()


def test_the_file_keeps_what_the_console_hides(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    logger = MMLogger('quiet', log_file=str(tmp_path / 'a.log'), log_level='INFO')
    for message in (*HIDDEN, 'Epoch(train) [1][3/3]'):
        logger.info(message)
    logger.warning('`save_param_scheduler` is True but `self.param_schedulers` is None, so skip')
    logger.error('Config:\nis wrong')
    shown, kept = capsys.readouterr().out, (tmp_path / 'a.log').read_text()
    assert 'Epoch(train) [1][3/3]' in shown and 'is wrong' in shown
    assert 'save_param' not in shown and 'sys.platform' not in shown and len(shown.splitlines()) == 3
    assert all(message in kept for message in HIDDEN) and 'save_param' in kept


def test_what_mmengine_itself_uses_is_no_reason_to_warn(capsys: pytest.CaptureFixture) -> None:
    FileClient('disk')
    shown = capsys.readouterr()
    assert shown.out == '' and shown.err == ''


def test_a_message_that_cannot_be_formatted_is_loggings_own_matter(capsys: pytest.CaptureFixture) -> None:
    MMLogger('broken', log_level='INFO').info('%d', 'no number')
    assert 'TypeError' in capsys.readouterr().err


def test_debugging_shows_everything(capsys: pytest.CaptureFixture) -> None:
    logger = MMLogger('loud', log_level='DEBUG')
    logger.info(LONG)
    assert 'sys.platform: linux' in capsys.readouterr().out


def test_bare_prints_of_loading_are_log_lines(capsys: pytest.CaptureFixture) -> None:
    MMLogger.get_instance('loading', log_level='WARNING')
    checkpoint.print_log('Loads checkpoint by local backend from path: a.pth')
    checkpoint.print_log('unexpected key', level=30)
    shown = capsys.readouterr().out
    assert 'Loads checkpoint' not in shown and 'WARNING' in shown and 'unexpected key' in shown


def test_results_alone_are_on_the_standard_output(monkeypatch: pytest.MonkeyPatch,
                                                  capsys: pytest.CaptureFixture) -> None:
    log_to_stderr('a tool')
    for handler in MMLogger.get_instance('a tool').handlers:  # of an earlier call in this process
        handler.stream = StringIO()
        handler.stream.close()
    log_to_stderr('a tool')
    MMLogger.get_instance('a tool').warning('look')
    parser = ArgumentParser()
    add_model_arguments(parser)
    monkeypatch.setattr(model_arguments, 'EmotionInferencer', lambda *args, **options: print('a library prints'))
    model_arguments.build_inferencer(parser.parse_args(['--checkpoint', 'a.pth']))
    shown = capsys.readouterr()
    assert shown.out == '' and 'look' in shown.err and 'a library prints' in shown.err
    MMLogger._instance_dict.pop('a tool')  # it would be the current one of later tests


def test_a_reader_that_has_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                capsys: pytest.CaptureFixture) -> None:
    def main() -> None:
        raise BrokenPipeError(32, 'Broken pipe')

    with (tmp_path / 'closed').open('w') as out:
        monkeypatch.setattr(sys, 'stdout', out)
        with pytest.raises(SystemExit) as end:
            run(main)
    assert end.value.code == 141 and capsys.readouterr().err == ''
