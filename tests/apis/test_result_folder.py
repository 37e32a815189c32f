"""Names, reruns and full disks, with results made up here."""
import errno
from pathlib import Path

import pytest

from claip_emo_mm.apis import result_folder
from claip_emo_mm.apis.emotion_result import EmotionResult, EmotionRow
from claip_emo_mm.apis.result_folder import ResultFolder
from claip_emo_mm.errors import InputError

RESULT = EmotionResult('a.mp4', 2., ['happy', 'sad'], [EmotionRow(0, 2, None, None, dict(happy=.7, sad=.3))])


def make_inputs(folder: Path, *names: str) -> list[Path]:
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(name)
    return [folder / name for name in names]


def results(tmp_path: Path, inputs: list[Path], **options: str) -> ResultFolder:
    return ResultFolder(tmp_path / 'out', inputs, tmp_path / 'checkpoint', options)


def test_a_result_is_found_again_whatever_stands_beside_it(tmp_path: Path) -> None:
    first, second = make_inputs(tmp_path, 'a/x.mp4', 'b/x.mkv')
    results(tmp_path, [first]).write(first, RESULT)
    both = results(tmp_path, [first, second])
    assert both.is_done(first) and not both.is_done(second)
    names = both.write(second, RESULT)
    assert names[0].startswith('x-') and len(list((tmp_path / 'out').iterdir())) == 6
    assert all(results(tmp_path, [each]).is_done(each) for each in (first, second))
    assert not results(tmp_path, [first], face='all').is_done(first)
    second.write_text('changed')
    assert not results(tmp_path, [second]).is_done(second)


def test_a_full_disk_is_said_and_nothing_is_done_by_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (path,) = make_inputs(tmp_path, 'x.mp4')
    results(tmp_path, [path]).write(path, RESULT)

    def write_some(part: Path, *content: object, **how: object) -> None:
        part.touch()
        raise OSError(errno.ENOSPC, 'No space left on device')

    with monkeypatch.context() as full:
        full.setattr(result_folder, 'draw_timeline', lambda result: type('Figure', (), dict(
            savefig=lambda self, part, **how: write_some(part)))())
        with pytest.raises(InputError, match=r'out: the results of .*x\.mp4 cannot be written there \(No space left'):
            results(tmp_path, [path], face='all').write(path, RESULT)
    assert not results(tmp_path, [path]).is_done(path)  # its table is that of the other options now
    assert not list((tmp_path / 'out').glob('*.part'))


def test_links_in_a_circle_are_names_like_others(tmp_path: Path) -> None:
    (tmp_path / 'loop.mp4').symlink_to('loop.mp4')
    assert not results(tmp_path, [tmp_path / 'loop.mp4']).is_done(tmp_path / 'loop.mp4')
