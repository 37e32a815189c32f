"""tools/prepare_data.py as a user runs it."""
import os
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from claip_emo_mm.data_preparation.toy.toy_set import list_clips, make_clip
from claip_emo_mm.data_preparation.toy.toy_settings import ToySettings

ROOT = Path(__file__).parents[2]
TOOL = str(ROOT / 'tools' / 'prepare_data.py')


def prepare_data(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    """Run the tool in this process, which saves the seconds of another start."""
    monkeypatch.setattr(sys, 'argv', [TOOL, *arguments])
    runpy.run_path(TOOL, run_name='__main__')


def test_toy_set_from_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as exit_:
        prepare_data(monkeypatch, 'toy', '--clips', '1', '1', '1')
    assert not exit_.value.code
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        'Toy set ready in data/toy:',
        '  train     7 clips of   1 people   data/toy/train.csv',
        '  val       7 clips of   1 people   data/toy/val.csv',
        '  test      7 clips of   1 people   data/toy/test.csv',
        'Next: python tools/train.py configs/claip_emo_tiny_toy.py']
    assert '21/21' in said.err  # the progress bar
    assert len(list(tmp_path.glob('data/toy/videos/*.mp4'))) == 21


def test_ctrl_c_ends_cleanly_with_workers(tmp_path: Path, ctrl_c_interrupts: None) -> None:
    out = tmp_path / 'set'
    process = subprocess.Popen([sys.executable, TOOL, 'toy', '--out', str(out), '--workers', '2'], text=True,
                               stderr=subprocess.PIPE, env=os.environ | {'PYTHONPATH': str(ROOT)},
                               start_new_session=True)
    while len(list(out.glob('videos/*.mp4'))) < 3 and process.poll() is None:
        time.sleep(.01)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the workers get it, too
    _, errors = process.communicate(timeout=240)  # a loaded machine takes its time to end
    assert process.returncode == 130
    assert f'{out}: stopped; the same command goes on with what is missing' in errors
    assert 'Traceback' not in errors

    made = {path.relative_to(out).as_posix() for path in out.rglob('*') if path.is_file()}
    clips = [clip for clip in list_clips(ToySettings(0, (48, 6, 30))) if clip.video in made]
    assert len(clips) >= 3
    assert made == {'toy.json', *(clip.video for clip in clips)}
    (tmp_path / 'videos').mkdir()
    for clip in clips[:3]:  # whole, and the same as from this process
        make_clip(tmp_path, ToySettings(0, (48, 6, 30)), clip)
        assert (tmp_path / clip.video).read_bytes() == (out / clip.video).read_bytes()


def test_what_a_user_can_cause_is_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                              capsys: pytest.CaptureFixture) -> None:
    (tmp_path / 'toy.json').write_text('{"seed": 0}', encoding='utf-8')
    with pytest.raises(SystemExit) as exit_:
        prepare_data(monkeypatch, 'toy', '--out', str(tmp_path), '--seed', '1')
    assert exit_.value.code == 1
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 1
    assert errors[0].startswith(f'error: {tmp_path / "toy.json"}: ')
    assert 'seed is 0, wanted 1' in errors[0]


def test_wrong_arguments_end_with_2(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as exit_:
        prepare_data(monkeypatch, 'toy', '--clips', '7')
    assert exit_.value.code == 2
    assert 'argument --clips: expected 3 arguments' in capsys.readouterr().err
