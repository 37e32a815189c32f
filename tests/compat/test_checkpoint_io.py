"""Files that mmengine writes are whole, or not there."""
import os
from pathlib import Path

import pytest
import torch
from mmengine.fileio import get_file_backend
from mmengine.runner import save_checkpoint


def test_checkpoint_is_written_through_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / 'new' / 'a.pth'
    save_checkpoint(dict(state_dict={}), str(path))
    old = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError('disk full')

    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(OSError, match='disk full'):
        save_checkpoint(dict(state_dict=dict(a=torch.zeros(9))), str(path))
    assert path.read_bytes() == old


def test_link_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    target, link = tmp_path / 'target', tmp_path / 'link'
    target.write_bytes(b'old')
    link.symlink_to(target)
    get_file_backend(str(link)).put(b'new', str(link))
    assert link.is_symlink() and target.read_bytes() == b'new'
    assert {path.name for path in tmp_path.iterdir()} == {'target', 'link'}


def test_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / 'pipe'
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    get_file_backend(str(pipe)).put(b'text', pipe)
    assert os.read(reader, 9) == b'text'
    os.close(reader)
