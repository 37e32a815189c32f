"""A file that names other files gives nothing of them away: on the command line, and on the page."""
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tool_runs import call_tool

from claip_emo_mm.apis import EmotionInferencer
from claip_emo_mm.apis.gradio_app import DemoLimits, run_job
from claip_emo_mm.errors import InputError


@pytest.fixture
def lists(toy_set: Path, tmp_path: Path, write_lists: Callable[[Path, Path], list[Path]]) -> list[Path]:
    """Files that name a video, beside which they lie; without the image whose name is a form: it is read itself."""
    shutil.copy(next((toy_set / 'videos').glob('test*.mp4')), tmp_path / 'private.mp4')
    return write_lists(tmp_path, tmp_path / 'private.mp4')[:-1]


def test_on_the_command_line(checkpoint: Path, lists: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                             capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / 'out'
    assert call_tool(monkeypatch, 'infer.py', *lists, '--checkpoint', checkpoint, '--out', out, '--overlay') == 1
    said = capsys.readouterr()
    errors = [line for line in said.err.splitlines() if line.startswith('error: ')]
    assert [sum(line.startswith(f'error: {path}: ') for line in errors) for path in lists] == [1] * len(lists)
    assert 'Traceback' not in said.err and 'private' not in said.out + said.err
    assert not out.exists() or list(out.iterdir()) == []


def test_on_the_page(checkpoint: Path, lists: list[Path], tmp_path: Path) -> None:
    infer = EmotionInferencer(checkpoint)
    (tmp_path / 'out').mkdir()
    for path in lists:
        with pytest.raises(InputError) as error:
            run_job(infer, str(path), tmp_path / 'out', DemoLimits(), dict(face='none', window_s=4., stride_s=2.))
        assert str(error.value).startswith(f'{path}: ') and '\n' not in str(error.value)
    assert list((tmp_path / 'out').iterdir()) == []
