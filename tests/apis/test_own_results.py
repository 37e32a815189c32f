"""What tools/infer.py has written is not judged the next time; nor is an empty name the current folder."""
import csv
import shutil
from pathlib import Path

import pytest
from PIL import Image
from tool_runs import call_tool

from claip_emo_mm.apis import EmotionInferencer
from claip_emo_mm.apis.result_writer import is_result
from claip_emo_mm.errors import InputError


def test_results_beside_the_videos(checkpoint: Path, toy_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                   capsys: pytest.CaptureFixture) -> None:
    folder = tmp_path / 'videos'
    folder.mkdir()
    shutil.copy(next((toy_set / 'videos').glob('test*.mp4')), folder / 'a.mp4')
    command = (folder, '--checkpoint', checkpoint, '--out', folder, '--overlay', '--face', 'none')
    assert call_tool(monkeypatch, 'infer.py', *command) == 0
    copy = folder / 'a.overlay.mp4'
    written = {path.name: path.stat().st_mtime_ns for path in folder.iterdir() if path.name != 'summary.csv'}
    assert sorted(written) == ['a.csv', 'a.json', 'a.mp4', 'a.overlay.mp4', 'a.png'] and is_result(copy)
    capsys.readouterr()

    assert call_tool(monkeypatch, 'infer.py', *command) == 0
    said = capsys.readouterr()
    assert f'{folder}: left out are results that this tool made: {copy}\n' in said.err
    assert '1 of 1 inputs are done already' in said.err and said.out == ''
    assert {name: (folder / name).stat().st_mtime_ns for name in written} == written

    assert call_tool(monkeypatch, 'infer.py', copy, '--checkpoint', checkpoint) == 1
    assert capsys.readouterr().err == (f'error: {copy}: is a copy with boxes and labels, or a plot, that this tool '
                                       'made. Name the video that it was made of.\n')
    assert EmotionInferencer(checkpoint)._inputs_to_list(folder) == [folder / 'a.mp4']
    copy.rename(folder / 'b.overlay.mp4')  # somebody's video of such a name
    assert not is_result(folder / 'b.overlay.mp4')


def test_an_empty_name_is_no_folder(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                    capsys: pytest.CaptureFixture) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError):
        EmotionInferencer(checkpoint)([''])
    assert call_tool(monkeypatch, 'infer.py', 'a.mp4', '--checkpoint', checkpoint, '--out', '') == 2
    assert "--out: expected a folder, got ''" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_photos_beside_their_results(checkpoint: Path, shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                     capsys: pytest.CaptureFixture) -> None:
    for name in ('ann.png', 'bob.jpg'):
        Image.open(shared / 'media' / 'single_face.jpg').save(tmp_path / name)
    photo = (tmp_path / 'ann.png').read_bytes()
    command = (tmp_path, '--checkpoint', checkpoint, '--out', tmp_path, '--overlay')
    assert call_tool(monkeypatch, 'infer.py', *command) == 0
    assert (tmp_path / 'ann.png').read_bytes() == photo  # its plot has another name
    with (tmp_path / 'summary.csv').open(encoding='utf-8', newline='') as file:
        assert [(row['file'], row['person']) for row in csv.DictReader(file)] == [('ann.png', '1'), ('bob.jpg', '1')]
    size = Image.open(shared / 'media' / 'single_face.jpg').size
    assert [Image.open(path).size for path in sorted(tmp_path.glob('*.overlay.png'))] == [size] * 2
    capsys.readouterr()
    assert call_tool(monkeypatch, 'infer.py', *command) == 0
    said = capsys.readouterr()
    assert '2 of 2 inputs are done already' in said.err and 'left out are results' in said.err
