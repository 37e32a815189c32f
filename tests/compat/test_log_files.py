"""A log file on a full disk."""
import logging
from pathlib import Path

import pytest
from mmengine.logging import MMLogger

from claip_emo_mm.utils.file_errors import WriteError


def test_a_full_disk_under_a_log_file_is_one_error(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / 'run.log').symlink_to('/dev/full')
    logger = MMLogger('full', log_file=str(tmp_path / 'run.log'), file_mode='a')
    try:
        with pytest.raises(WriteError, match=r'run\.log: cannot be written \(No space left on device\)\. Make room'):
            logger.info('line')
        assert 'Traceback' not in capsys.readouterr().err
    finally:
        handler = next(handler for handler in logger.handlers if isinstance(handler, logging.FileHandler))
        handler.stream = None  # closing it would write once more


def test_other_errors_of_a_log_file_are_logging_s_own(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    logger = MMLogger('other', log_file=str(tmp_path / 'run.log'))
    logger.info('%d', 'no number')
    assert 'Traceback' in capsys.readouterr().err
