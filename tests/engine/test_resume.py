"""Finding the checkpoint to go on from."""
import os
from pathlib import Path

import pytest
from mmengine.config import Config

from claip_emo_mm.engine.resume import latest_checkpoint, require_checkpoint, resume_file, set_resume
from claip_emo_mm.errors import InputError


def _note(work_dir: Path, named: str) -> None:
    (work_dir / 'last_checkpoint').write_text(named)


def test_nothing_saved_yet(tmp_path: Path) -> None:
    (tmp_path / 'epoch_1.pth').touch()  # being written when the training was stopped: not noted
    cfg = Config(dict(work_dir=str(tmp_path), load_from='first.pth'))
    set_resume(cfg, 'auto')
    assert cfg.resume is False and cfg.load_from == 'first.pth'  # what the training begins from


def test_noted_checkpoint_in_a_moved_folder(tmp_path: Path) -> None:
    for name in ('epoch_3.pth', 'epoch_4.pth'):
        (tmp_path / name).touch()
    _note(tmp_path, '/somewhere/else/epoch_3.pth')
    cfg = Config(dict(work_dir=str(tmp_path)))
    set_resume(cfg, 'auto')
    assert cfg.resume is True and cfg.load_from == str(tmp_path / 'epoch_3.pth')


def test_noted_checkpoint_is_gone(tmp_path: Path) -> None:
    _note(tmp_path, 'epoch_3.pth')
    with pytest.raises(InputError, match=r'last_checkpoint: it names epoch_3\.pth, which is not there'):
        latest_checkpoint(tmp_path)


def test_named_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / 'a.pth'
    path.touch()
    cfg = Config(dict(work_dir=str(tmp_path)))
    set_resume(cfg, str(path))
    assert cfg.resume is True and cfg.load_from == str(path)
    with pytest.raises(InputError, match=r'b\.pth: the checkpoint is not there'):
        set_resume(cfg, str(tmp_path / 'b.pth'))


def test_required_checkpoint(tmp_path: Path) -> None:
    require_checkpoint('https://example.org/a.pth')
    with pytest.raises(InputError, match='is a folder'):
        require_checkpoint(str(tmp_path))


def test_note_that_was_cut_off(tmp_path: Path) -> None:
    _note(tmp_path, '')
    assert latest_checkpoint(tmp_path) is None
    for number, name in enumerate(('epoch_9.pth', 'epoch_10.pth', 'best_WAR_epoch_9.pth')):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (number, number))
        if not name.startswith('best'):
            resume_file(tmp_path / name).touch()
    assert latest_checkpoint(tmp_path) == tmp_path / 'epoch_10.pth'


def test_second_file_is_no_checkpoint() -> None:
    with pytest.raises(InputError, match=r'Give the checkpoint beside it: work/epoch_3\.pth\.'):
        require_checkpoint('work/epoch_3.resume.pth')
