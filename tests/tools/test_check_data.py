"""tools/check_data.py as a user runs it."""
import csv
from pathlib import Path

import pytest
from tool_runs import ROOT, call_tool

from claip_emo_mm.toy.dataset import make_toy_set

CONFIG = str(ROOT / 'configs/claip_emo_tiny_toy.py')


def test_found_fixed_and_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.chdir(tmp_path)
    make_toy_set('data/toy', clips=(7, 7, 7), workers=1)
    assert call_tool(monkeypatch, 'check_data.py', CONFIG, '--no-faces') == 0
    assert '0 errors, 0 warnings, 3 notes' in capsys.readouterr().out

    Path('data/toy/videos/train_000_sad.mp4').write_bytes(b'nothing')
    assert call_tool(monkeypatch, 'check_data.py', CONFIG, '--no-faces', '--fix') == 1
    said = capsys.readouterr()
    assert 'error    unreadable frames   data/toy/train.csv: 1 of 7 clips:' in said.out
    assert 'clips: videos/train_000_sad.mp4' in said.out and '20/21 [' in said.err
    fixed = tmp_path / 'data/toy/train.fixed.csv'
    option = f'train_dataloader.dataset.ann_file={fixed}'
    assert f'written without 1 of 7 clips: --cfg-options {option}' in said.out
    with open('work_dirs/check_data/claip_emo_tiny_toy/issues.csv', newline='') as file:
        rows = [row for row in csv.DictReader(file) if row['grade'] == 'error']
    assert [row['clip'] for row in rows] == ['videos/train_000_sad.mp4']

    # the class of the clip that is gone has no other
    assert call_tool(monkeypatch, 'check_data.py', CONFIG, '--no-faces', '--cfg-options', option) == 1
    out = capsys.readouterr().out
    assert '1 errors, 0 warnings' in out and 'no clip of sad' in out


def test_one_message_for_what_a_user_can_cause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                               capsys: pytest.CaptureFixture) -> None:
    monkeypatch.chdir(tmp_path)
    assert call_tool(monkeypatch, 'check_data.py', 'gone.py') == 1
    assert capsys.readouterr().err.startswith('error: gone.py: there is no such config file')
    assert call_tool(monkeypatch, 'check_data.py', CONFIG) == 1
    assert 'data/toy/train.csv: there is no such annotation list' in capsys.readouterr().err
    assert call_tool(monkeypatch, 'check_data.py') == 2
