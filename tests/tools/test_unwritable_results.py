"""Results that cannot be written, by every tool: one line that names the file and why, and nothing half-written.

A full disk is `/dev/full`, to which a link leads, as devices are written to; root may write wherever others may not, so
permission is asked of a stand-in.
"""
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import dummy_components  # noqa: F401 - registers the parts of the dummy config
import pytest
import torch
from dummy_components import write_dummy_config
from mmengine.logging import MMLogger
from tool_runs import TrainedToy, call_tool

FULL, FOLDER = r'(No space left on device). Make room', '(Is a directory). It is a folder: give the name of a file.'
BELOW = '(Not a directory). Part of the path is a file: choose another folder.'
DENIED = '(Permission denied). Choose a place where you may write.'


@pytest.fixture
def fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> Callable[..., None]:
    """Calls a tool, which must end with this message about this place and with no file that was not there before."""
    def call(tool: str, arguments: Sequence[str | Path], place: Path, why: str, root: Path) -> None:
        before = sorted(root.rglob('*'))
        MMLogger._instance_dict.clear()  # loggers of other tests write to streams that are closed by now
        capsys.readouterr()
        assert call_tool(monkeypatch, tool, *arguments) == 1
        said = capsys.readouterr()
        errors = [line for line in said.err.splitlines() if line.startswith('error: ')]
        assert len(errors) == 1 and errors[0].startswith(f'error: {place}: cannot be written {why}'), said.err
        assert said.err.splitlines()[-1] == errors[0] and 'Traceback' not in said.out + said.err
        assert sorted(root.rglob('*')) == before

    return call


def places(root: Path, suffix: str) -> list[tuple[Path, str]]:
    """Names of results that cannot be, each with the reason."""
    (root / f'folder{suffix}').mkdir(parents=True)
    (root / 'file').write_text('dear to somebody')
    (root / f'full{suffix}').symlink_to('/dev/full')
    return [(root / f'folder{suffix}', FOLDER), (root / 'file' / f'x{suffix}', BELOW), (root / f'full{suffix}', FULL)]


def test_of_scores(trained_toy: TrainedToy, tmp_path: Path, fails: Callable[..., None],
                   monkeypatch: pytest.MonkeyPatch) -> None:
    scores = trained_toy.config.parent / 'test' / 'test_scores.csv'
    for tool, inputs, suffix in (('confusion_matrix', [scores], '.png'), ('compare', [scores, scores], '.csv'),
                                 ('late_fusion', [scores, scores], '.csv')):
        for place, why in places(tmp_path / tool, suffix):
            fails(f'analysis_tools/{tool}.py', [*inputs, '--out', place], place, why, tmp_path)
        monkeypatch.setattr(os, 'access', lambda path, mode: False)
        place = tmp_path / tool / f'new{suffix}'
        fails(f'analysis_tools/{tool}.py', [*inputs, '--out', place], place, DENIED, tmp_path)
        monkeypatch.undo()


def test_of_models(trained_toy: TrainedToy, tmp_path: Path, fails: Callable[..., None]) -> None:
    for place, why in places(tmp_path / 'published', '.safetensors'):
        fails('publish_model.py', [trained_toy.checkpoint, place], place, why, tmp_path)
    inputs = [trained_toy.config, trained_toy.checkpoint]
    for place, why in places(tmp_path / 'features', '.png'):
        fails('analysis_tools/features.py', [*inputs, '--out', place], place, why, tmp_path)
    video = next((trained_toy.data / 'videos').glob('test*.mp4'))
    folder = tmp_path / 'attention'
    folder.mkdir()
    frame = folder / f'001_{video.stem}.png'
    frame.symlink_to('/dev/full')
    fails('analysis_tools/attention.py', [trained_toy.checkpoint, video, '--out', folder], frame, FULL, tmp_path)
    place = tmp_path / 'published' / 'file'
    fails('analysis_tools/attention.py', [trained_toy.checkpoint, video, '--out', place], place, '(Not a directory)',
          tmp_path)


def test_of_a_test(trained_toy: TrainedToy, tmp_path: Path, fails: Callable[..., None]) -> None:
    inputs = [trained_toy.config, trained_toy.checkpoint, '--work-dir', tmp_path / 'work']
    for place, why in places(tmp_path / 'dumps', '.pkl')[:2]:  # before anything is made
        fails('test.py', [*inputs, '--dump', place], place, why, tmp_path)
    place = tmp_path / 'dumps' / 'file'
    fails('test.py', [*inputs, '--show-dir', place], place, '(Not a directory)', tmp_path)
    fails('test.py', [*inputs[:3], place / 'work'], place / 'work', '(Not a directory)', tmp_path)


@pytest.mark.parametrize('name', [
    'test_metrics.json', 'test_scores.csv', 'dump.pkl', 'shown/000000_{}_test_000_happy.png'])
def test_of_a_test_on_a_full_disk(trained_toy: TrainedToy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                  capsys: pytest.CaptureFixture, name: str) -> None:
    links = [tmp_path / name.format(verdict) for verdict in ('right', 'wrong')]
    full = links[0]
    full.parent.mkdir(exist_ok=True)
    for link in set(links):
        link.symlink_to('/dev/full')
    options = {'dump.pkl': ['--dump', full]}.get(name, ['--show-dir', full.parent] if 'shown' in name else [])
    assert call_tool(monkeypatch, 'test.py', trained_toy.config, trained_toy.checkpoint, '--work-dir', tmp_path,
                     *options) == 1
    said = capsys.readouterr()
    assert said.err.splitlines()[-1].startswith(tuple(f'error: {link}: cannot be written {FULL}' for link in links))
    assert 'Traceback' not in said.out + said.err and not list(tmp_path.rglob('*.part'))
    assert all(link.is_symlink() for link in links) and not (tmp_path / 'test_metrics.json').is_file()


def test_of_a_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    work = tmp_path / 'work'
    config = write_dummy_config(tmp_path / f'{tmp_path.name}.py', work)
    work.mkdir()
    full = work / 'epoch_2.pth'
    full.symlink_to('/dev/full')
    epochs = ('--cfg-options', 'train_cfg.max_epochs=3')
    assert call_tool(monkeypatch, 'train.py', config, *epochs) == 1
    said = capsys.readouterr()
    assert said.err.splitlines()[-1] == (
        f'error: {full}: cannot be written (No space left on device). The checkpoints that were saved before are as '
        'they were: make room and go on from the last one with --resume.')
    assert 'Traceback' not in said.out + said.err and not list(work.rglob('*.part'))
    assert torch.load(work / 'epoch_1.pth', weights_only=False)['meta']['epoch'] == 1
    full.unlink()
    time.sleep(1.1)  # a training of the same second in the same process has the same folder and visualizer
    assert call_tool(monkeypatch, 'train.py', config, '--resume', *epochs) == 0
    assert 'resumed epoch: 1' in capsys.readouterr().out and (work / 'epoch_3.pth').is_file()


@pytest.mark.parametrize('name', ['scalars.json', 'last_checkpoint'])
def test_of_what_mmengine_writes_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                           capsys: pytest.CaptureFixture, name: str) -> None:
    work = tmp_path / 'work'
    config = write_dummy_config(tmp_path / f'{tmp_path.name}.py', work)
    really = os.statvfs
    monkeypatch.setattr(os, 'statvfs', lambda path: os.statvfs_result((4096, 4096, 9, 0, 0, *really(path)[5:])))
    work.mkdir()
    if name == 'last_checkpoint':
        (work / name).symlink_to('/dev/full')
    else:
        monkeypatch.setattr('mmengine.visualization.vis_backend.LocalVisBackend._dump', _fill)
    assert call_tool(monkeypatch, 'train.py', config) == 1
    said = capsys.readouterr()
    assert said.err.splitlines()[-1].startswith(
        f'error: {work}: cannot be written (No space left on device). The checkpoints that were saved before')
    assert 'Traceback' not in said.out + said.err


def _fill(*_: object) -> None:
    with open('/dev/full', 'w') as file:
        file.write('line')
