"""tools/prepare_data.py as a user runs it."""
import csv
import os
import re
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile
from made_media import write_video, write_wav

from claip_emo_mm.toy.dataset import ToySettings, list_clips, make_clip

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


def test_toy_set_in_folds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr('claip_emo_mm.toy.dataset.make_clip',
                        lambda out, settings, clip: (out / clip.video).touch())
    for folds, code in (('3', 0), ('4', 1)):
        with pytest.raises(SystemExit) as exit_:
            prepare_data(monkeypatch, 'toy', '--clips', '1', '1', '1', '--workers', '1', '--folds', folds)
        assert (exit_.value.code or 0) == code
    said = capsys.readouterr()
    assert said.out.splitlines()[4:6] == [
        '  3 folds of the same people   data/toy/lists',
        'Next: python tools/cross_validate.py configs/claip_emo_tiny_toy_folds.py --folds 1-3']
    assert 'error: --folds 4: expected 2 to 3' in said.err


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


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Frame folders 1 to 8, audio for all but the last, and MAFW's single lists of fold 3."""
    rows = []
    for number, label in enumerate(['anger', 'fear', 'sadness', 'contempt'] * 2, 1):
        folder = tmp_path / 'MAFW' / 'frames' / f'{number:05d}'
        folder.mkdir(parents=True)
        cv2.imwrite(str(folder / '1.png'), np.full((224, 224, 3), 20 * number, np.uint8))
        if number < 8:
            soundfile.write(tmp_path / 'MAFW' / f'{number}.wav', np.zeros(800), 16000)
        rows.append(f'{number:05d}.mp4 {label}\n')
    for split, of_part in (('train', rows[:5]), ('test', rows[5:])):
        path = tmp_path / 'MAFW' / 'single' / 'set_3' / f'{split}.txt'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(''.join(of_part), encoding='utf-8')
    return tmp_path / 'MAFW'


def test_mafw_from_its_distribution(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                    capsys: pytest.CaptureFixture) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as exit_:
        prepare_data(monkeypatch, 'mafw', 'MAFW', '--faces', 'keep', '--folds', '3')
    assert not exit_.value.code
    said = capsys.readouterr()
    assert [line for line in said.out.splitlines() if ' - INFO - ' not in line] == [
        'MAFW single: 2 lists in data/mafw/lists/single, paths relative to data/mafw',
        '  clips               8 in the lists, 8 ready',
        '  with audio          7',
        '  without audio       1   00008',
        '  cropped             0   (8 with their frames as they were)',
        '  no face             0',
        '  failed              0',
        '  in no list          0',
        'Names: data/mafw/notes.csv']
    assert '8/8' in said.err
    assert (tmp_path / 'data/mafw/lists/single/fold3_test.csv').read_text(encoding='utf-8') == (
        'frames,audio,label\n../../MAFW/frames/00006,../../MAFW/6.wav,fear\n'
        '../../MAFW/frames/00007,../../MAFW/7.wav,sadness\n../../MAFW/frames/00008,,contempt\n')


def test_clips_that_fail_end_with_1_and_one_line(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                 capsys: pytest.CaptureFixture) -> None:
    (source / '3.wav').write_bytes(b'')
    with pytest.raises(SystemExit) as exit_:
        prepare_data(monkeypatch, 'mafw', str(source), '--faces', 'keep', '--folds', '3',
                     '--out', str(tmp_path / 'out'))
    assert exit_.value.code == 1
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith('error: ')]
    assert len(errors) == 1
    assert f'{tmp_path / "out" / "failures.csv"}: 1 of 8 clips are not ready' in errors[0]
    assert (tmp_path / 'out/lists/single/fold3_train.csv').is_file()
    assert '00003' in (tmp_path / 'out/failures.csv').read_text(encoding='utf-8')


@pytest.mark.parametrize(('arguments', 'message'), [
    (['mafw', 'nowhere'], 'nowhere: there is no such folder'),
    (['mafw', 'empty'], 'empty: neither videos nor folders of frames'),
    (['mafw', 'MAFW'], 'the single lists are not complete: .*train of fold 1, test of fold 1'),
    (['mafw', 'MAFW', '--classes', 'compound'], 'MAFW: no compound lists of folds'),
    (['dfew', 'MAFW', '--folds', '3', '--faces', 'keep'], "train.txt:4: 'contempt' is no class of DFEW"),
    (['mafw', 'MAFW', '--lists', 'empty'], 'empty: no single lists of folds'),
    (['mafw', 'MAFW', '--folds', '3', '--out', 'MAFW'], 'MAFW: the folder for the results is the same'),
    (['mafw', 'MAFW', '--folds', '3'], 'No face found in any of 8 sampled frame folders.*--faces keep'),
    (['mafw', 'MAFW', '--folds', '3', '--faces', 'keep', '--workers', '0'], '--workers 0: must be 1 or more')])
def test_what_is_wrong_with_a_distribution_is_one_message(
        source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture,
        arguments: list[str], message: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'empty').mkdir()
    with pytest.raises(SystemExit) as exit_:
        prepare_data(monkeypatch, *arguments)
    assert exit_.value.code == 1
    *_, error = capsys.readouterr().err.splitlines()
    assert error.startswith('error: ')
    assert re.search(message, error)
    assert not list(tmp_path.glob('data/mafw/lists'))


@pytest.mark.parametrize('folds', ['0', '6', '2-9', 'all', ''])
def test_folds_that_there_are_not(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, folds: str) -> None:
    with pytest.raises(SystemExit) as exit_:
        prepare_data(monkeypatch, 'dfew', 'somewhere', f'--folds={folds}')
    assert exit_.value.code == 2
    assert 'argument --folds' in capsys.readouterr().err


def test_own_videos_from_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                 capsys: pytest.CaptureFixture) -> None:
    monkeypatch.chdir(tmp_path)
    settings = ToySettings(0, (1, 1, 1), size=96, fps=8)
    Path('videos').mkdir()
    for clip in list_clips(settings):
        if clip.emotion in ('happy', 'fear'):
            make_clip(tmp_path, settings, clip)
            Path('mine', clip.emotion).mkdir(parents=True, exist_ok=True)
            (tmp_path / clip.video).rename(Path('mine', clip.emotion, Path(clip.video).name))
    command = ('folder', 'mine', '--out', 'data/mine', '--faces', 'keep', '--base', 'claip_emo_tiny_toy')
    with pytest.raises(SystemExit) as exit_:
        prepare_data(monkeypatch, *command)
    assert not exit_.value.code
    assert capsys.readouterr().out.splitlines() == [
        'data/mine: 2 classes',
        '          train     val    test',
        '  fear        1       1       1',
        '  happy       1       1       1',
        '  all         2       2       2',
        'Next: python tools/train.py data/mine/mine.py']
    assert sorted(path.name for path in Path('data/mine').iterdir()) == [
        'failures.csv', 'mine.py', 'notes.csv', 'preparation.json', 'test.csv', 'train.csv', 'val.csv']

    Path('mine/happy/cut.mp4').write_bytes(b'')
    Path('mine', 'happy', os.fsdecode(b'caf\xe9.mp4')).write_bytes(b'')
    Path('mine/happy/notes.txt').touch()
    Path('mine/sad').mkdir()
    Path('mine/sad/clip.xyz').touch()
    with pytest.raises(SystemExit) as exit_:
        prepare_data(monkeypatch, *command)
    assert exit_.value.code == 1
    said = capsys.readouterr()
    assert ('error: data/mine/failures.csv: 2 clips are not ready and 1 folders cannot be used, with the reason for '
            'each;') in said.err and said.err.endswith('Classes without any usable clip: sad.\n')
    assert '2 files are no videos and are not used: notes.txt, clip.xyz' in said.out
    with open('data/mine/failures.csv', encoding='utf-8', newline='') as file:
        assert [row['file'] for row in csv.DictReader(file)] == [
            'mine/happy/caf\\xe9.mp4', 'mine/sad', 'mine/happy/cut.mp4']
    assert len(Path('data/mine/train.csv').read_text().splitlines()) == 3


def test_corpora_from_their_downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                      capsys: pytest.CaptureFixture) -> None:
    monkeypatch.chdir(tmp_path)
    for actor in (1001, 1091):
        write_video(Path(f'CREMA-D/VideoFlash/{actor}_IEO_ANG_HI.flv'))
        write_wav(Path(f'CREMA-D/AudioWAV/{actor}_IEO_ANG_HI.wav'), .5)
    write_video(Path('CREMA-D/VideoFlash/1064_IEO_DIS_MD.flv'))
    with pytest.raises(SystemExit) as exit_:
        prepare_data(monkeypatch, 'cremad', 'CREMA-D', '--faces', 'keep')
    assert not exit_.value.code
    said = capsys.readouterr()
    assert [line for line in said.out.splitlines() if ' - INFO - ' not in line] == [
        "CREMA-D (HiCMAE's 7,437 clips, 5 folds of consecutive actors): 10 lists in data/cremad/lists, paths relative "
        'to data/cremad',
        '  clips               2 in the lists, 2 ready',
        '  with audio          2',
        '  without audio       0',
        '  cropped             0   (2 with their frames as they were)',
        '  no face             0',
        '  failed              0',
        '  in no list          0',
        '  left out            1   1064_IEO_DIS_MD.flv',
        'Names: data/cremad/notes.csv']
    assert '2/2' in said.err
    with pytest.raises(SystemExit) as exit_:
        prepare_data(monkeypatch, 'cremad', 'CREMA-D', '--faces', 'keep', '--all-clips')
    assert not exit_.value.code and "(MAE-DFER's 7,442 clips" in capsys.readouterr().out
    assert 'disgust' in Path('data/cremad/lists/fold4_test.csv').read_text()
    for command, message in ((('ravdess', 'CREMA-D', '--classes', '7'), 'no video of RAVDESS without calm'),
                             (('meld', 'CREMA-D', '--all-clips'), 'no video of MELD by its name'),
                             (('enterface05', 'nowhere'), 'nowhere: there is no such folder'),
                             (('savee', 'CREMA-D'), 'no video of SAVEE'),
                             (('described', 'none.py', 'CREMA-D'), 'none.py: there is no such file')):
        with pytest.raises(SystemExit) as exit_:
            prepare_data(monkeypatch, *command)
        error = capsys.readouterr().err.splitlines()[-1]
        assert exit_.value.code == 1 and error.startswith('error: ') and message in error


@pytest.mark.parametrize(('text', 'message'), [
    ('corpus = 3', 'own.py: `corpus` is int. Expected corpus = Corpus'),
    ('other = 3', '`corpus` is NoneType'),
    ('import nothing_like_it', 'own.py: cannot be run .ModuleNotFoundError: No module'),
    ('def', 'own.py: cannot be run .SyntaxError')])
def test_descriptions_that_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture,
                                    text: str, message: str) -> None:
    (tmp_path / 'own.py').write_text(text)
    with pytest.raises(SystemExit) as exit_:
        prepare_data(monkeypatch, 'described', str(tmp_path / 'own.py'), str(tmp_path))
    assert exit_.value.code == 1
    assert re.search(message, capsys.readouterr().err.splitlines()[-1])


def test_a_download_in_the_form_of_another_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                               capsys: pytest.CaptureFixture) -> None:
    monkeypatch.setattr('claip_emo_mm.toy.downloads._write_cremad', lambda out, clip: (out / clip.name).touch())
    with pytest.raises(SystemExit):
        prepare_data(monkeypatch, 'toy', '--form', 'cremad', '--out', str(tmp_path), '--workers', '1')
    assert capsys.readouterr().out == f'Next: python tools/prepare_data.py cremad {tmp_path}\n'
    clips = [path for path in tmp_path.iterdir() if path.is_file()]
    assert len(clips) == 60  # and a folder for the votes
