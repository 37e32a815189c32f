"""tools/infer.py as a user runs it."""
import csv
import io
import json
import os
import shutil
import subprocess
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from clean_forks import run_forks
from tool_runs import ROOT, call_tool, fork_tool, free_port

from claip_emo_mm.datasets import DFEW
from claip_emo_mm.version import INTENDED_USE


def run_infer(*args: str | Path) -> subprocess.CompletedProcess[str]:
    return fork_tool('infer.py', *args, cwd=ROOT)


def test_prints_the_seven_scores_and_goes_on_after_a_bad_file(checkpoint: Path, toy_set: Path, tmp_path: Path) -> None:
    bad = tmp_path / 'bad clip.mp4'
    bad.write_bytes(b'')
    video = next((toy_set / 'videos').glob('test*.mp4'))
    result = run_infer(bad, video, 'https://a.b/c.mp4', '--checkpoint', checkpoint)
    assert result.returncode == 1
    assert f'error: {bad}' in result.stderr and 'Traceback' not in result.stderr
    assert 'error: https://a.b/c.mp4: is an address, and nothing is downloaded here. Download the file' in result.stderr
    first, *rows = result.stdout.splitlines()
    assert first.startswith(f'{video}: ') and first.endswith('[drawn faces]')
    scores = {name: float(score) for name, score, _ in map(str.split, rows)}
    assert set(scores) == set(DFEW.classes)
    assert list(scores.values()) == sorted(scores.values(), reverse=True)
    assert abs(sum(scores.values()) - 100) < .4  # seven roundings


def test_writes_results_and_leaves_alone_what_is_done(checkpoint: Path, toy_set: Path, tmp_path: Path) -> None:
    videos = sorted((toy_set / 'videos').glob('test*.mp4'))[:2]
    inputs = [tmp_path / 'a' / 'clip 笑.mp4', tmp_path / 'b' / 'clip 笑.mp4']
    for video, path in zip(videos, inputs, strict=True):
        path.parent.mkdir()
        shutil.copy(video, path)
    (tmp_path / 'b' / 'notes.txt').write_text('not looked at')
    (tmp_path / 'b' / 'text.mp4').write_text('not a video')
    out = tmp_path / 'out'
    command = (inputs[0], tmp_path / 'b', '--checkpoint', checkpoint, '--out', out, '--overlay')
    result = run_infer(*command)
    assert result.returncode == 1 and 'text.mp4: ' in result.stderr and 'Traceback' not in result.stderr
    assert sorted(path.suffix for path in out.iterdir()) == ['.csv'] * 3 + ['.json'] * 2 + ['.mp4'] * 2 + ['.png'] * 2
    found = {}
    for path in out.glob('*.json'):
        content = json.loads(path.read_text())
        found[content['input']] = content
        assert content['intended_use'] == INTENDED_USE
        assert content['top'] == max(content['scores'], key=content['scores'].get)
        with path.with_suffix('.csv').open(encoding='utf-8') as file:
            rows = list(csv.DictReader(file))
        assert [float(row['happy']) for row in rows] == [row['scores']['happy'] for row in content['rows']]
    assert set(found) == {os.path.relpath(path, out) for path in inputs}  # two files of one name, two results
    for path in inputs:  # the audio is the original's, packet for packet
        with av.open(str(path)) as video, av.open(str(out / found[os.path.relpath(path, out)]['overlay'])) as copy:
            packets = [[(packet.pts, bytes(packet)) for packet in each.demux(audio=0) if packet.size]
                       for each in (video, copy)]
        assert packets[0] == packets[1]
    written = {path: path.stat().st_mtime_ns for path in out.iterdir() if path.name != 'summary.csv'}
    again = run_infer(*command)
    assert again.returncode == 1 and '2 of 3 inputs are done already' in again.stderr
    assert {path: path.stat().st_mtime_ns for path in written} == written


def test_every_input_of_a_folder_of_odd_ones_is_judged_or_named(checkpoint: Path, toy_set: Path,
                                                                 tmp_path: Path) -> None:
    video = next((toy_set / 'videos').glob('test*.mp4'))
    folder = tmp_path / 'odd'
    folder.mkdir()
    usual, long = folder / 'usual.mp4', folder / f'{"n" * 245}.mp4'
    latin = Path(os.fsdecode(os.fsencode(folder) + b'/caf\xe9.mp4'))
    for path in (usual, long, latin):
        shutil.copy(video, path)
    os.mkfifo(folder / 'pipe.mp4')
    (folder / 'nowhere.mkv').symlink_to(folder / 'gone.mkv')
    (folder / 'text.avi').write_text('no video')
    (folder / 'loud.wav').write_bytes(wav_with_an_infinite_sample())
    too_long = tmp_path / f'{"x" * 300}.mp4'
    out = tmp_path / 'out'
    result = run_infer(folder, '', too_long, f'{video}\n', '--checkpoint', checkpoint, '--out', out, '--overlay')
    assert result.returncode == 1 and 'Traceback' not in result.stderr
    errors = [line for line in result.stderr.splitlines() if line.startswith('error: ')]
    named = ("'': an input without a name", f'{folder}/loud.wav, at 0.0 s: 1 of ', f'{folder}/nowhere.mkv: this link',
             f'{folder}/pipe.mp4: this is no ordinary file', f'{folder}/text.avi: ', str(video),
             f'{too_long}: there is no such file')
    assert len(errors) == len(named), errors
    assert all(any(f'error: {name}' in error for error in errors) for name in named), errors
    judged = [line.split(': ')[0] for line in result.stdout.splitlines()]
    assert sorted(judged) == sorted([str(usual), str(long), rf'{folder}/caf\xe9.mp4'])
    contents = [json.loads(path.read_text()) for path in out.glob('*.json')]
    assert {str(folder / Path(content['input']).name) for content in contents} == set(judged)
    assert len(list(out.iterdir())) == 13 and all((out / content['overlay']).is_file() for content in contents)
    again = run_infer(folder, '--checkpoint', checkpoint, '--out', out, '--overlay')
    assert '3 of 7 inputs are done already' in again.stderr and again.stdout == ''


def test_why_there_is_no_overlay(checkpoint: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture,
                                 tmp_path: Path) -> None:
    (tmp_path / 'in').mkdir()
    soundfile.write(tmp_path / 'in' / 'a.wav', np.sin(np.arange(16000) / 9), 16000)
    for place, given in ((tmp_path, 'in/a.wav'), (Path('/'), str(tmp_path / 'in' / 'a.wav'))):
        monkeypatch.chdir(place)
        out = tmp_path / f'out{len(given)}'
        assert call_tool(monkeypatch, 'infer.py', given, '--checkpoint', checkpoint, '--overlay', '--out', out) == 0
        reason = 'no overlay: ../in/a.wav: no image to draw on.'
        assert f'warning: {given}: {reason}\n' in capsys.readouterr().err
        content = json.loads((out / 'a.json').read_text())
        assert content['warnings'][-1] == reason and content['overlay'] is None and str(tmp_path) not in str(content)


def wav_with_an_infinite_sample() -> bytes:
    samples = np.zeros(8000, np.float32)
    samples[70] = np.inf
    file = io.BytesIO()
    soundfile.write(file, samples, 16000, format='WAV', subtype='FLOAT')
    return file.getvalue()


def test_processes_share_a_folder_and_end_together(checkpoint: Path, toy_set: Path, tmp_path: Path) -> None:
    folder = tmp_path / 'videos'
    folder.mkdir()
    for name in 'ace':  # the first process has nothing else: it is through at once
        (folder / f'{name}.mp4').write_text('not a video')
    video = next((toy_set / 'videos').glob('test*.mp4'))
    for name in 'bdf':  # the second one's ratio
        shutil.copy(video, folder / f'{name}.mp4')
    inputs = [folder / f'{name}.mp4' for name in 'abcdef']
    command = (*inputs, '--checkpoint', checkpoint, '--out', tmp_path / 'out', '--launcher', 'pytorch')
    torchrun = dict(WORLD_SIZE='2', MASTER_ADDR='127.0.0.1', MASTER_PORT=str(free_port()))  # what it says to each
    results = run_forks(*[[ROOT / 'tools/infer.py', *command]] * 2, cwd=tmp_path, variables=[
        dict(torchrun, RANK=rank, LOCAL_RANK=rank) for rank in '01'])
    said = ''.join(result.stderr for result in results)
    assert all(result.returncode == 1 for result in results), said
    assert [said.count(f'error: {folder / name}.mp4') for name in 'abcdef'] == [1, 0, 1, 0, 1, 0]
    assert sorted(path.name for path in (tmp_path / 'out').glob('*.json')) == ['b.json', 'd.json', 'f.json']
    scores = [json.loads(path.read_text())['scores'] for path in (tmp_path / 'out').glob('*.json')]
    assert scores[0] == scores[1] == scores[2]


def test_missing_checkpoint_and_arguments(toy_set: Path) -> None:
    missing = run_infer('a.mp4', '--checkpoint', 'gone.pth')
    assert missing.returncode == 1
    assert missing.stderr.startswith('error: a.mp4: there is no such file. Expected a file of video, audio or an')
    assert missing.stderr.splitlines()[-1].startswith('error: gone.pth')
    assert run_infer('a.mp4').returncode == 2
